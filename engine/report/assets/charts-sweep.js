// Pictures of a sweep: points, shares, a surface, parallel lines, a histogram.
"use strict";
const named = (look, name, extra) => ({ ...valueAxis(look, [], false, (v) => minus(+v.toPrecision(4)), { splitNumber: look.narrow ? 4 : 6 }), name, nameLocation: "middle", nameGap: 26, nameTextStyle: { color: look.muted }, ...extra });
const onTop = (look) => ({ nameLocation: "end", nameGap: 12, nameTextStyle: { color: look.muted, align: "left" } });
const short4 = (v) => minus(+Number(v).toPrecision(4));

charts.points = (data, look) => {
  const points = Array.from(data.x, (x, i) => ({ value: [x, data.y[i]], itemStyle: { color: look.strategy, opacity: data.shade && !data.shade[i] ? 0.16 : 0.55 } }));
  const series = [{ type: "scatter", symbolSize: points.length > 800 ? 4 : 6, data: points, large: false }];
  if (data.line) series.push({ type: "line", step: "end", symbol: "none", data: Array.from(data.x, (x, i) => [x, Number.isNaN(data.line[i]) ? null : data.line[i]]), lineStyle: { color: look.loss, width: 1.6 }, silent: true, tooltip: { show: false } });
  return {
    grid: grid(look, { top: 30, bottom: 28 }), xAxis: named(look, data.xName), yAxis: named(look, data.yName, onTop(look)), series,
    tooltip: { trigger: "item", formatter: (hit) => tip("", [[data.xName, short4(hit.value[0])], [data.yName, short4(hit.value[1])]]) },
  };
};

charts.shares = (data, look) => ({
  grid: grid(look, { top: 4, right: 52 }),
  xAxis: valueAxis(look, [], false, write.tick, { scale: false, min: 0, max: 1, splitNumber: 4 }),
  yAxis: { type: "category", inverse: true, data: data.names, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: look.ink } },
  tooltip: { trigger: "item", formatter: (hit) => tip(data.names[hit.dataIndex], [["share", write.percent(data.shares[hit.dataIndex])]]) },
  series: [{ type: "bar", barMaxWidth: 14, data: data.shares, itemStyle: { color: look.strategy }, label: { show: true, position: "right", color: look.ink, formatter: (hit) => write.percent(hit.value) } }],
});

charts.surface = (data, look) => {
  const wide = data.x.length, cells = [];
  const known = Array.from(data.values).filter((v) => !Number.isNaN(v)).map((v) => v * data.sign).sort((a, b) => a - b);
  const share = (v) => { let a = 0, b = known.length; while (a < b) { const m = (a + b) >> 1; if (known[m] < v) a = m + 1; else b = m; } return known.length > 1 ? a / (known.length - 1) : 1; };
  data.y.forEach((_, i) => data.x.forEach((__, j) => {
    const v = data.values[i * wide + j];
    if (!Number.isNaN(v)) cells.push({ value: [j, i, v], fill: mixed(look.cellLow, look.cellHigh, Math.min(1, share(v * data.sign))) });
  }));
  const render = (params, api) => {
    const at = api.coord([api.value(0), api.value(1)]), size = api.size([1, 1]);
    return { type: "rect", shape: { x: at[0] - size[0] / 2, y: at[1] - size[1] / 2, width: Math.max(size[0] - 1, 1), height: Math.max(size[1] - 1, 1) }, style: { fill: cells[params.dataIndex].fill } };
  };
  const axis = (name, list) => ({ type: "category", data: list, name, nameLocation: "middle", nameGap: 28, nameTextStyle: { color: look.muted }, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: look.muted } });
  return {
    grid: grid(look, { top: 26, bottom: 30 }), xAxis: axis(data.xName, data.x), yAxis: { ...axis(data.yName, data.y), ...onTop(look) },
    tooltip: { trigger: "item", formatter: (hit) => { const [j, i, v] = cells[hit.dataIndex].value; return tip("", [[data.xName, data.x[j]], [data.yName, data.y[i]], [data.unit, short4(v)]]); } },
    series: [{ type: "custom", renderItem: render, data: cells.map((cell) => cell.value), encode: { x: 0, y: 1 } }],
  };
};

charts.parallel = (data, look) => {
  const names = data.axes.map((axis) => axis.name), n = data.score.length;
  const series = data.score.map((_, i) => ({
    type: "line", symbol: "none", connectNulls: true, silent: true, z: i === 0 ? 5 : 2,
    data: data.axes.map((axis) => axis.at[i]),
    lineStyle: { color: i === 0 ? look.loss : look.strategy, width: i === 0 ? 2.2 : 1, opacity: i === 0 ? 1 : 0.12 + 0.4 * (1 - i / n) },
  })).reverse();
  return {
    grid: grid(look, { top: 12, bottom: 44, left: 70, right: 70 }),
    xAxis: { type: "category", data: names, boundaryGap: false, axisTick: { show: false }, axisLine: { show: false }, offset: 6, splitLine: { show: true, interval: 0, lineStyle: { color: look.line } }, axisLabel: { color: look.ink, interval: 0, lineHeight: 17, formatter: (name, i) => `${name}\n${data.axes[i].low} \u2026 ${data.axes[i].high}`, align: "center" } },
    yAxis: { type: "value", min: 0, max: 1, show: false }, series, tooltip: { show: false },
  };
};

charts.histogram = (data, look) => ({
  grid: grid(look, { top: 10, bottom: 28 }),
  xAxis: named(look, data.name, { scale: false }),
  yAxis: valueAxis(look, [], false, write.short, { scale: false, splitNumber: 4 }),
  tooltip: { trigger: "item", formatter: (hit) => tip(short4(hit.value[0]), [["splits", write.whole(hit.value[1])]]) },
  series: [{ type: "bar", barWidth: "92%", data: data.x.map((x, i) => ({ value: [x, data.count[i]], itemStyle: { color: x < data.mark ? look.loss : look.strategy } })), markLine: { ...zeroLine(look), data: [{ xAxis: data.mark }] } }],
});
