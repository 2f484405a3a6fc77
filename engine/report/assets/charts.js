// Kinds of charts: each takes unpacked data, the look of the page and the state of its controls,
// and returns an ECharts option. Sections name a kind; report.js mounts it. To add one, add a
// function here and name it in a Chart.
"use strict";
const charts = {};

const write = {
  number: (v) => (Math.abs(v) >= 1000 ? write.money(v) : minus(v.toFixed(2))),
  money: (v) => {
    const digits = Math.abs(v) < 1000 ? 2 : 0;
    return minus(v.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  },
  whole: (v) => minus(Math.round(v).toLocaleString("en")),
  percent: (v) => minus((v * 100).toFixed(1)) + "%",
  fine: (v) => minus((v * 100).toFixed(2)) + "%",
  // On an axis the digits follow from the ticks, so that none stands there twice.
  tick: (v) => minus(+(v * 100).toFixed(4)) + "%",
  short: (v) => minus(Math.abs(v) >= 1e6 ? +(v / 1e6).toFixed(2) + "m" : Math.abs(v) >= 1e3 ? +(v / 1e3).toFixed(1) + "k" : +v.toPrecision(6)),
  day: (ms) => new Date(ms).toISOString().slice(0, 10),
  minute: (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " "),
};
function minus(text) { return String(text).replace("-", "\u2212"); }

// Tooltips are built from nodes, never from markup: a symbol's name is text and stays text.
function tip(title, rows) {
  const box = document.createElement("div");
  box.className = "tip";
  box.appendChild(document.createElement("strong")).textContent = title;
  const table = box.appendChild(document.createElement("table"));
  for (const [name, value] of rows) {
    const row = table.insertRow();
    row.appendChild(document.createElement("th")).textContent = name;
    row.insertCell().textContent = value;
  }
  return box;
}

// A log axis with readable ticks: values are drawn as logarithms, labels say what they are. The
// built-in one knows powers of ten alone, and an account rarely grows tenfold.
function logTicks(low, high) {
  const sets = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9]];
  for (const set of sets) {
    const found = [];
    for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++)
      for (const m of set) if (m * 10 ** k >= low && m * 10 ** k <= high) found.push(m * 10 ** k);
    if (found.length >= 4) return found;
  }
  const step = 10 ** Math.floor(Math.log10((high - low) / 3));
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(v);
  return found.filter((_, i) => i % Math.ceil(found.length / 7) === 0);
}
function valueAxis(look, values, log, label, extra) {
  const axis = {
    type: "value", scale: true, splitNumber: 5, axisLine: { show: false }, axisTick: { show: false },
    axisLabel: { color: look.muted, formatter: label }, splitLine: { lineStyle: { color: look.line } },
    ...extra,
  };
  if (!log) return axis;
  let low = Infinity, high = -Infinity;
  for (const v of values) { if (v < low) low = v; if (v > high) high = v; }
  const ticks = logTicks(low, high).map(Math.log);
  const room = (Math.log(high) - Math.log(low)) * 0.04 || 0.01;
  return {
    ...axis, min: Math.log(low) - room, max: Math.log(high) + room,
    axisTick: { show: false, customValues: ticks },
    axisLabel: { ...axis.axisLabel, customValues: ticks, formatter: (v) => label(Math.exp(v)) },
  };
}
function timeAxis(look) {
  return {
    type: "time", axisLine: { lineStyle: { color: look.muted } }, axisTick: { show: false }, splitLine: { show: false },
    axisLabel: { color: look.muted, hideOverlap: true }, splitNumber: look.narrow ? 3 : 8,
  };
}
const grid = (look, extra) => ({ left: 4, right: 14, top: 34, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel", ...extra });
const legend = (look, names) => ({ data: names, top: 0, left: 0, icon: "roundRect", itemWidth: 16, itemHeight: 3, textStyle: { color: look.ink } });
const colour = (look, role, i) => look[role] || look.more[i % look.more.length];

charts.lines = (data, look, state) => {
  const log = Boolean(state.log);
  const scale = log ? Math.log : (v) => v;
  const label = { money: write.short, percent: write.tick, number: (v) => minus(+v.toFixed(2)) }[data.format];
  const full = write[data.format];
  const series = [];
  data.lines.forEach((line, i) => {
    const ink = colour(look, line.role, i);
    const points = (values) => Array.from(values, (v, row) => [data.time[row], scale(v)]);
    if (line.low) {
      const band = { type: "line", stack: `band-${i}`, symbol: "none", lineStyle: { opacity: 0 }, silent: true, tooltip: { show: false } };
      series.push({ ...band, data: points(line.low) });
      const width = Array.from(line.low, (v, row) => [data.time[row], line.high[row] - v]);
      series.push({ ...band, data: width, stackStrategy: "all", areaStyle: { color: ink, opacity: 0.13 } });
    }
    series.push({
      name: line.name, type: "line", symbol: "none", data: points(line.values), z: line.role === "strategy" ? 4 : 3,
      lineStyle: { color: ink, width: line.role === "strategy" ? 1.8 : 1.4 }, itemStyle: { color: ink }, emphasis: { disabled: true },
      areaStyle: line.area ? { color: ink, opacity: 0.13 } : undefined,
      markLine: data.zero && i === 0 ? zeroLine(look) : undefined,
    });
  });
  const all = log ? data.lines.flatMap((line) => Array.from(line.values)) : [];
  return {
    grid: grid(look), legend: legend(look, data.lines.map((line) => line.name)),
    xAxis: timeAxis(look), yAxis: valueAxis(look, all, log, label), series,
    tooltip: {
      trigger: "axis",
      formatter: (hits) => {
        const row = hits[0].dataIndex, when = data.time[row];
        return tip(when % 86400000 ? write.minute(when) : write.day(when), data.lines.map((line) => [line.name, Number.isNaN(line.values[row]) ? "\u2013" : full(line.values[row])]));
      },
    },
  };
};
function zeroLine(look) {
  return { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: look.muted, type: "solid", width: 1 }, data: [{ yAxis: 0 }] };
}

charts.waterfall = (data, look) => {
  let level = 0;
  const bars = data.steps.map((step, i) => {
    const from = step.total ? 0 : level;
    level = step.total ? step.value : level + step.value;
    return { value: [i, from, level], step };
  });
  const render = (_, api) => {
    const i = api.value(0), a = api.coord([api.value(1), i]), b = api.coord([api.value(2), i]);
    const thick = Math.min(26, api.size([0, 1])[1] * 0.62);
    const left = Math.min(a[0], b[0]), wide = Math.max(Math.abs(a[0] - b[0]), 1.5);
    const step = data.steps[i];
    const fill = step.total ? look.strategy : step.value < 0 ? look.loss : look.benchmark;
    const right = left + wide > api.coord([0, 0])[0] - 1 && api.value(1) >= 0 && api.value(2) >= 0;
    return { type: "group", children: [
      { type: "rect", shape: { x: left, y: a[1] - thick / 2, width: wide, height: thick }, style: { fill } },
      { type: "text", x: right ? left + wide + 6 : left - 6, y: a[1], style: { text: (data.whole ? write.whole(step.value) : write.money(step.value)), fill: look.ink, font: look.font, align: right ? "left" : "right", verticalAlign: "middle" } },
    ] };
  };
  const ends = bars.flatMap((bar) => [bar.value[1], bar.value[2]]);
  const low = Math.min(...ends), high = Math.max(...ends), room = (high - low) * (look.narrow ? 0.42 : 0.24) || 1;
  return {
    grid: grid(look, { top: 4 }),
    xAxis: valueAxis(look, [], false, write.short, { min: low < 0 ? low - room : 0, max: high > 0 ? high + room : 0, splitNumber: 4, scale: false, axisLabel: { show: false }, splitLine: { show: false } }),
    yAxis: { type: "category", inverse: true, data: data.steps.map((step) => step.name), axisTick: { show: false }, axisLine: { lineStyle: { color: look.line } }, axisLabel: { color: look.ink } },
    series: [{ type: "custom", renderItem: render, data: bars.map((bar) => bar.value), encode: { x: [1, 2], y: 0 }, clip: false, silent: true, markLine: { ...zeroLine(look), data: [{ xAxis: 0 }] } }],
  };
};

charts.bars = (data, look) => ({
  grid: grid(look, { top: 4, right: 56, left: 8 }),
  xAxis: valueAxis(look, [], false, write.short, { scale: false, splitNumber: look.narrow ? 3 : 6 }),
  yAxis: { type: "category", inverse: true, data: data.bars.map((bar) => bar.name), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: look.ink, interval: 0, width: 96, overflow: "truncate" } },
  tooltip: { trigger: "item", formatter: (hit) => tip(data.bars[hit.dataIndex].name, [[data.unit || "Value", write.money(data.bars[hit.dataIndex].value)]]) },
  series: [{ type: "bar", barMaxWidth: 14, data: data.bars.map((bar) => ({ value: bar.value, itemStyle: { color: bar.value < 0 ? look.loss : look.strategy } })), markLine: { ...zeroLine(look), data: [{ xAxis: 0 }] } }],
});

// A run at multiples of a cost: where the curve crosses zero is what the mark says.
charts.multiples = (data, look) => {
  const points = data.x.map((x, i) => [x, data.sharpe[i]]);
  const upright = data.mark === null ? [] : [{ xAxis: data.mark, label: { show: true, formatter: data.markLabel, color: look.ink, position: "end", distance: 2 }, lineStyle: { color: look.loss, type: "dashed", width: 1 } }];
  return {
    grid: grid(look, { top: 24, bottom: 26 }),
    xAxis: { ...valueAxis(look, [], false, (v) => v + "\u00d7", { scale: false, splitNumber: 5, min: 0, max: data.x[data.x.length - 1] }), name: "spread", nameLocation: "middle", nameGap: 24, nameTextStyle: { color: look.muted } },
    yAxis: valueAxis(look, [], false, (v) => minus(+v.toFixed(2)), { scale: false, name: "Sharpe ratio", nameLocation: "end", nameGap: 10, nameTextStyle: { color: look.muted, align: "left" } }),
    tooltip: {
      trigger: "axis",
      formatter: (hits) => {
        const i = hits[0].dataIndex, sharpe = data.sharpe[i], equity = data.equity[i];
        return tip(`${data.x[i]} times the spread`, [["Sharpe ratio", sharpe === null ? "\u2013" : write.number(sharpe)], ["Final equity", equity === null ? "\u2013" : write.money(equity)]]);
      },
    },
    series: [{
      type: "line", data: points, symbol: "circle", symbolSize: 5, lineStyle: { color: look.strategy, width: 1.8 }, itemStyle: { color: look.strategy }, emphasis: { disabled: true },
      markLine: { ...zeroLine(look), data: [{ yAxis: 0 }, ...upright] },
    }],
  };
};
