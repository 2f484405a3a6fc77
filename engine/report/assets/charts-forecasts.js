// Pictures of forecasts against outcomes.
"use strict";
const percentAxis = (look, name, extra) => ({
  ...valueAxis(look, [], false, write.tick, { splitNumber: 4, axisLine: { show: false, onZero: false } }),
  name, nameLocation: "middle", nameGap: 24, nameTextStyle: { color: look.muted }, ...extra,
});
const boxed = (look) => grid(look, { top: 30, bottom: 26 });
const upright = (look) => ({ nameLocation: "end", nameGap: 14, nameTextStyle: { color: look.muted, align: "center" } });

function mixed(low, high, share) {
  const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const from = parse(low), to = parse(high);
  return `rgb(${from.map((v, i) => Math.round(v + (to[i] - v) * share)).join(",")})`;
}

charts.cloud = (data, look) => {
  let most = 1;
  for (const n of data.count) most = Math.max(most, n);
  const shares = Array.from(data.count, (n) => Math.sqrt(n / most));
  const render = (_, api) => {
    const i = api.value(2), at = api.coord([api.value(0), api.value(1)]);
    const wide = api.size([data.halfWidth, 0])[0], high = api.size([0, data.radius])[1];
    const corners = [[0, -1], [1, -0.5], [1, 0.5], [0, 1], [-1, 0.5], [-1, -0.5]];
    return { type: "polygon", shape: { points: corners.map(([x, y]) => [at[0] + x * wide, at[1] + y * high]) }, style: { fill: mixed(look.cellLow, look.cellHigh, shares[i]) } };
  };
  const cross = { ...zeroLine(look), data: [{ xAxis: 0 }, { yAxis: 0 }], z: 5 };
  return {
    grid: boxed(look),
    xAxis: percentAxis(look, "forecast", { min: data.xRange[0], max: data.xRange[1], axisLabel: { color: look.muted, formatter: write.tick, showMinLabel: false, showMaxLabel: false }, splitLine: { show: false } }),
    yAxis: percentAxis(look, "outcome", { ...upright(look), min: data.yRange[0], max: data.yRange[1], axisLabel: { color: look.muted, formatter: write.tick, showMinLabel: false, showMaxLabel: false }, splitLine: { show: false } }),
    tooltip: { trigger: "item", formatter: (hit) => { const i = hit.dataIndex; return tip(`${data.count[i].toLocaleString("en")} forecast${data.count[i] === 1 ? "" : "s"}`, [["Forecast near", write.fine(data.x[i])], ["Outcome near", write.fine(data.y[i])]]); } },
    series: [{ type: "custom", renderItem: render, clip: true, data: Array.from(data.x, (x, i) => [x, data.y[i], i]), encode: { x: 0, y: 1 }, markLine: cross }],
  };
};

charts.deciles = (data, look) => {
  const render = (_, api) => {
    const top = api.coord([api.value(0), api.value(2)]), bottom = api.coord([api.value(0), api.value(1)]);
    return { type: "line", shape: { x1: top[0], y1: top[1], x2: bottom[0], y2: bottom[1] }, style: { stroke: look.strategy, lineWidth: 1.5 } };
  };
  const n = data.said.length, first = data.said[0], last = data.said[n - 1];
  return {
    grid: boxed(look), xAxis: percentAxis(look, "mean forecast"), yAxis: percentAxis(look, "mean outcome", upright(look)),
    tooltip: { trigger: "item", formatter: (hit) => { const i = hit.dataIndex; return tip(`Tenth ${i + 1} of ${n}`, [["Mean forecast", write.fine(data.said[i])], ["Mean outcome", write.fine(data.came[i]) + (Number.isNaN(data.error[i]) ? "" : ` \u00b1 ${write.fine(data.error[i])}`)]]); } },
    series: [
      { type: "line", symbol: "none", silent: true, data: [[first, first], [last, last]], lineStyle: { color: look.muted, type: "dashed", width: 1 }, tooltip: { show: false } },
      { type: "custom", renderItem: render, silent: true, data: Array.from(data.said, (x, i) => [x, data.came[i] - data.error[i], data.came[i] + data.error[i]]), encode: { x: 0, y: [1, 2] } },
      { type: "scatter", symbolSize: 8, itemStyle: { color: look.strategy }, data: Array.from(data.said, (x, i) => [x, data.came[i]]), markLine: { ...zeroLine(look), data: [{ yAxis: 0 }] } },
    ],
  };
};

charts.coverage = (data, look) => ({
  grid: boxed(look),
  xAxis: percentAxis(look, "promised", { min: 0, max: 1, interval: 0.25 }), yAxis: percentAxis(look, "inside", { ...upright(look), min: 0, max: 1, interval: 0.25 }),
  tooltip: { trigger: "item", formatter: (hit) => tip(`Interval for ${write.percent(data.promised[hit.dataIndex])}`, [["Outcomes inside", write.percent(data.inside[hit.dataIndex])]]) },
  series: [
    { type: "line", symbol: "none", silent: true, data: [[0, 0], [1, 1]], lineStyle: { color: look.muted, type: "dashed", width: 1 }, tooltip: { show: false } },
    { type: "line", symbol: "circle", symbolSize: 7, data: data.promised.map((p, i) => [p, data.inside[i]]), lineStyle: { color: look.strategy, width: 1.8 }, itemStyle: { color: look.strategy } },
  ],
});
