// Price of one symbol with its fills, and below it what was held.
"use strict";
function held(symbol) {
  // Fills are merged by candle, buys before sells, so the running sum is exact at each candle's end.
  let sum = 0;
  return Array.from(symbol.qty, (qty) => {
    const before = sum;
    sum = Math.abs(sum + qty) < 1e-6 * Math.max(Math.abs(qty), Math.abs(before), 1e-9) ? 0 : sum + qty;
    return { before, after: sum };
  });
}
function holdings(symbol, steps, n) {
  const units = new Array(n).fill(0);
  let row = 0, now = 0;
  for (let i = 0; i < n; i++) {
    while (row < symbol.at.length && symbol.at[row] - symbol.start <= i) now = steps[row++].after;
    units[i] = now;
  }
  return units;
}

const shadow = (look, opacity) => ({ lineStyle: { color: look.muted, opacity, width: 1 }, areaStyle: { opacity: 0 } });

function heldAxis(look, units) {
  const low = Math.min(0, ...units), high = Math.max(0, ...units), ticks = [...new Set([low, 0, high])];
  const name = { name: "Units held", nameLocation: "end", nameGap: 7, nameTextStyle: { color: look.muted, align: "left" } };
  return {
    ...valueAxis(look, [], false, write.short), ...name, gridIndex: 1, scale: false, min: low, max: high || 1,
    axisTick: { show: false, customValues: ticks }, axisLabel: { color: look.muted, customValues: ticks, hideOverlap: true, formatter: (v) => write.short(+v.toPrecision(3)) },
  };
}

charts.price = (data, look, state) => {
  const symbol = data.symbols[state.symbol || 0], n = symbol.close.length;
  const log = Boolean(state.log), scale = log ? Math.log : (v) => v;
  const asCandles = Boolean(state.candles && symbol.open);
  const label = data.daily ? write.day : write.minute;
  const dates = Array.from({ length: n }, (_, i) => label(data.time[symbol.start + i]));
  const steps = held(symbol), units = holdings(symbol, steps, n);
  const marks = { buy: [], sell: [] };
  steps.forEach((step, i) => {
    const turns = step.before * step.after <= 0; // opens, closes or turns round
    const side = symbol.qty[i] > 0 ? "buy" : "sell";
    marks[side].push({ value: [symbol.at[i] - symbol.start, scale(symbol.price[i])], symbolSize: turns ? 10 : 6, itemStyle: { opacity: turns ? 1 : 0.75 } });
  });
  const price = asCandles
    ? { type: "candlestick", data: Array.from(symbol.open, (o, i) => [o, symbol.close[i], symbol.low[i], symbol.high[i]].map(scale)), itemStyle: { color: look.paper, color0: look.muted, borderColor: look.muted, borderColor0: look.muted } }
    : { type: "line", data: Array.from(symbol.close, scale), symbol: "none", connectNulls: true, lineStyle: { color: look.ink, width: 1.2, opacity: 0.75 } };
  const mark = (name, points, role, turn) => ({ name, type: "scatter", data: points, symbol: "triangle", symbolRotate: turn, itemStyle: { color: role, opacity: 1, borderColor: look.paper, borderWidth: 0.8 }, z: 5, emphasis: { disabled: true } });
  // On a log axis the ticks are chosen here, so they must follow what the slider shows.
  const priceAxis = (zoom) => {
    const from = Math.floor(((zoom ? zoom.start : 0) / 100) * n), to = Math.max(from + 2, Math.ceil(((zoom ? zoom.end : 100) / 100) * n));
    const columns = asCandles ? [symbol.low, symbol.high] : [symbol.close];
    const shown = columns.flatMap((values) => Array.from(values.slice(from, to))).filter((v) => !Number.isNaN(v));
    return valueAxis(look, shown, log && shown.length > 0, write.short);
  };
  const fills = (i) => steps.flatMap((step, row) => (symbol.at[row] - symbol.start === i ? [[symbol.qty[row] > 0 ? "Bought" : "Sold", `${write.short(Math.abs(symbol.qty[row]))} at ${write.money(symbol.price[row])}`]] : []));
  const bare = { type: "category", data: dates, axisTick: { show: false }, boundaryGap: true };
  const ink = { axisLine: { lineStyle: { color: look.muted } } };
  return {
    // Fixed left edges: two axes with labels of different width must still stand on one clock.
    grid: [{ left: 52, right: 14, top: 34, bottom: 152 }, { left: 52, right: 14, height: 48, bottom: 66 }],
    legend: { ...legend(look, []), data: [{ name: "Buy", icon: "triangle" }, { name: "Sell", icon: "path://M0 0H10L5 9Z" }], itemWidth: 11, itemHeight: 9 },
    axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: look.muted } },
    xAxis: [{ ...bare, ...ink, axisLabel: { show: false } }, { ...bare, ...ink, gridIndex: 1, axisLabel: { color: look.muted, hideOverlap: true } }],
    yAxis: [
      priceAxis(state.zoom),
      heldAxis(look, units),
    ],
    onZoom: log ? (zoom) => ({ yAxis: [priceAxis(zoom)] }) : undefined,
    dataZoom: [
      { type: "inside", xAxisIndex: [0, 1], zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, disabled: look.touch, ...state.zoom },
      { type: "slider", xAxisIndex: [0, 1], bottom: 4, height: 28, left: 52, right: 14, brushSelect: false, dataBackground: shadow(look, 0.3), selectedDataBackground: shadow(look, 0.7), textStyle: { color: look.muted }, borderColor: look.line, fillerColor: `${look.muted}26`, moveHandleSize: 4, showDetail: false, handleSize: "80%", ...state.zoom },
    ],
    series: [
      { ...price, name: symbol.name, z: 3 },
      { ...mark("Buy", marks.buy, look.strategy, 0) },
      { ...mark("Sell", marks.sell, look.loss, 180) },
      { name: "Held", type: "line", step: "end", symbol: "none", data: units, xAxisIndex: 1, yAxisIndex: 1, lineStyle: { color: look.strategy, width: 1 }, itemStyle: { color: look.strategy }, areaStyle: { color: look.strategy, opacity: 0.15 }, emphasis: { disabled: true } },
    ],
    tooltip: {
      trigger: "axis", axisPointer: { type: "line" },
      formatter: (hits) => {
        const i = hits[0].dataIndex, at = typeof hits[0].axisValue === "string" ? dates.indexOf(hits[0].axisValue) : i;
        const rows = symbol.open ? [["Open", symbol.open], ["High", symbol.high], ["Low", symbol.low], ["Close", symbol.close]] : [["Close", symbol.close]];
        return tip(`${symbol.name}  ${dates[at]}`, [...rows.map(([name, values]) => [name, Number.isNaN(values[at]) ? "\u2013" : write.money(values[at])]), ["Held", write.short(units[at])], ...fills(at)]);
      },
    },
  };
};
