// Pictures that a strategy tells a run with: lines with what happened on them, and a square of values.
"use strict";
charts.marked = (data, look, state) => {
  const option = charts.lines(data, look, state);
  const points = data.marks.map((mark) => ({
    value: [data.time[mark.row], mark.value], text: mark.text,
    symbol: "triangle", symbolRotate: mark.up ? 0 : 180,
    itemStyle: { color: mark.up ? look.strategy : look.loss, borderColor: look.paper, borderWidth: 1 },
  }));
  if (points.length) option.series.push({ type: "scatter", name: "trades", symbolSize: 9, z: 6, data: points });
  const rows = new Map();
  for (const mark of data.marks) rows.set(mark.row, [...(rows.get(mark.row) || []), mark.text]);
  const write_value = { money: write.money, percent: write.fine, number: (v) => minus(+v.toPrecision(5)) }[data.format];
  option.tooltip = {
    trigger: "axis",
    formatter: (hits) => {
      const when = hits[0].axisValue;
      let row = 0;
      while (row < data.time.length - 1 && data.time[row] < when) row++;
      const values = data.lines.map((line) => [line.name, Number.isNaN(line.values[row]) ? "\u2013" : write_value(line.values[row])]);
      const told = (rows.get(row) || []).map((text) => ["", text]);
      return tip(when % 86400000 ? write.minute(when) : write.day(when), [...values, ...told]);
    },
  };
  return option;
};

charts.heat = (data, look) => {
  const n = data.names.length, cells = [];
  let low = Infinity, high = -Infinity;
  for (const v of data.values) if (!Number.isNaN(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  // Ranks, not values: a few very low ones would leave everything else in one shade.
  const known = Array.from(data.values).filter((v) => !Number.isNaN(v)).sort((a, b) => a - b);
  const share = (v) => { let a = 0, b = known.length; while (a < b) { const m = (a + b) >> 1; if (known[m] < v) a = m + 1; else b = m; } return known.length > 1 ? 1 - a / (known.length - 1) : 1; };
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const v = data.values[i * n + j];
      if (!Number.isNaN(v)) cells.push({ value: [j, i, v], itemStyle: { color: mixed(look.cellLow, look.cellHigh, share(v)) } });
    }
  const render = (params, api) => {
    const at = api.coord([api.value(0), api.value(1)]), size = api.size([1, 1]);
    return { type: "rect", shape: { x: at[0] - size[0] / 2, y: at[1] - size[1] / 2, width: Math.max(size[0] - 1, 1), height: Math.max(size[1] - 1, 1) }, style: { fill: cells[params.dataIndex].itemStyle.color } };
  };
  const axis = { type: "category", data: data.names, axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: false } };
  return {
    grid: grid(look, { top: 8 }),
    xAxis: { ...axis, axisLabel: { color: look.muted, rotate: 90, interval: look.narrow ? "auto" : 0 } },
    yAxis: { ...axis, inverse: true, axisLabel: { color: look.muted, interval: look.narrow ? "auto" : 0 } },
    tooltip: { trigger: "item", formatter: (hit) => { const [j, i, v] = cells[hit.dataIndex].value; return tip(`${data.names[i]} on ${data.names[j]}`, [[data.unit, minus(+v.toPrecision(4))]]); } },
    series: [{ type: "custom", renderItem: render, data: cells.map((cell) => cell.value), encode: { x: 0, y: 1 } }],
  };
};
