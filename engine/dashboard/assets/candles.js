// Bars of one symbol with its trades, what was forecast, and what came.
import { base, chart, colour, isDaily, narrow } from "./charts.js";
import { moment, percent, price, signed, units } from "./format.js";
import { at, put } from "./tables.js";

let zoom = null, zoomed = "";

// The band that forecasts drew ahead, by the bar they were for; the newest as a fan from the last close.
function bands(found, place) {
  const n = found.bars.length, low = {}, mean = {}, high = {};
  let ahead = 0, newest = null;
  for (const said of found.forecasts) {
    const i = place.get(said.ts);
    if (i == null) continue;
    const to = i + said.horizon, close = found.bars[i][4] / (said.factor || 1); // raw prices fall with a split
    if (i === n - 1) newest = { ...said, close, to };
    if (to < n) { low[to] = close * Math.exp(said.low); mean[to] = close * Math.exp(said.mean); high[to] = close * Math.exp(said.high); }
    ahead = Math.max(ahead, to - n + 1);
  }
  return { low, mean, high, newest, ahead: newest ? ahead : 0 };
}

function fan(newest, n, which) {
  const row = new Array(n + newest.horizon).fill(null);
  for (let step = 0; step <= newest.horizon; step++) {
    const share = step / newest.horizon, middle = newest.mean * share; // a band grows with the root of time
    const value = which === "mean" ? middle : middle + (newest[which] - newest.mean) * Math.sqrt(share);
    row[n - 1 + step] = newest.close * Math.exp(value);
  }
  return row;
}

const filled = (cells, n) => Array.from({ length: n }, (_, i) => cells[i] ?? null);
const above = (low, high) => low.map((value, i) => (value == null || high[i] == null ? null : high[i] - value));

function band(name, low, high, tint, opacity) {
  const shared = { type: "line", stack: name, stackStrategy: "all", symbol: "none", silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false }, z: 1 };
  return [{ ...shared, name: `${name} foot`, data: low }, { ...shared, name, data: above(low, high), color: tint, areaStyle: { color: tint, opacity } }];
}

function told(found) {
  const known = found.forecasts.filter((said) => said.came != null), newest = found.forecasts.at(-1);
  if (!newest) return "Nobody forecasts this symbol.";
  const parts = [];
  if (newest.came == null) parts.push(`Next ${newest.horizon === 1 ? "bar" : `${newest.horizon} bars`}: ${signed(newest.mean, percent(newest.mean))}, band ${percent(newest.low)} \u2026 ${percent(newest.high)}.`);
  if (known.length) {
    const held = known.filter((said) => said.came >= said.low && said.came <= said.high).length / known.length;
    parts.push(`Of ${known.length} forecasts whose outcome is known the band held ${percent(held, 0)}${newest.level ? `; ${percent(newest.level, 0)} is meant` : ""}.`);
  }
  return parts.join(" ");
}

export function drawCandles(found) {
  const node = at("candles"), bars = found.bars, n = bars.length;
  node.hidden = !n; at("candles-none").hidden = Boolean(n);
  put("candles-said", n ? told(found) : "");
  if (!n) return;
  const place = new Map(bars.map((bar, i) => [bar[0], i])), daily = isDaily(bars);
  const said = bands(found, place), total = n + said.ahead;
  const labels = Array.from({ length: total }, (_, i) => (i < n ? moment(bars[i][0], { daily, short: true }).text : `+${i - n + 1}`));
  const marks = (sign) => found.fills.filter((fill) => Math.sign(fill.qty) === sign && place.has(fill.ts))
    .map((fill) => ({ value: [place.get(fill.ts), fill.price], qty: fill.qty }));
  const b = base(), accent = colour("--accent"), loss = colour("--loss"), muted = colour("--muted"), ink = colour("--ink");
  const low = filled(said.low, n), high = filled(said.high, n), mean = filled(said.mean, n);
  const shown = narrow() ? 50 : 120;
  if (zoomed !== found.symbol) { zoom = null; zoomed = found.symbol; }
  const window_ = zoom || { start: total > shown ? 100 * (1 - shown / total) : 0, end: 100 };
  node.setAttribute("aria-label", `${found.symbol}: ${n} bars, last close ${price(bars[n - 1][4])}, ${found.fills.length} ${found.fills.length === 1 ? "fill" : "fills"}. ${told(found)}`);
  const fanned = said.newest ? [...band("Fan", fan(said.newest, n, "low"), fan(said.newest, n, "high"), accent, 0.28),
    { type: "line", name: "Forecast", data: fan(said.newest, n, "mean"), symbol: "none", color: accent, lineStyle: { width: 1.5 }, tooltip: { show: false }, z: 2 }] : [];
  const mark = (name, sign, tint, turn) => ({ type: "scatter", name, symbol: "triangle", symbolRotate: turn, symbolSize: 11, data: marks(sign), color: tint, z: 5, itemStyle: { borderColor: colour("--card"), borderWidth: 1 } });
  const one = chart(node);
  one.off("datazoom");
  one.setOption({
    ...b, category: undefined, value: undefined,
    legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 9, itemGap: 18, textStyle: { color: muted }, selectedMode: false,
      data: [{ name: "Buy", icon: "triangle" }, { name: "Sell", icon: "path://M0 0H10L5 9Z" }, ...(found.forecasts.length ? [{ name: "Forecast band", icon: "roundRect", itemStyle: { opacity: 0.35 } }] : [])] },
    grid: { outerBoundsMode: "none", left: 62, right: 12, top: 30, bottom: 62 },
    xAxis: { ...b.category, data: labels },
    yAxis: { ...b.value, scale: true, splitNumber: 5, axisLabel: { ...b.value.axisLabel, formatter: price } },
    dataZoom: [{ type: "inside", ...window_, zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, disabled: matchMedia("(pointer: coarse)").matches },
      { type: "slider", ...window_, height: 22, bottom: 6, left: 62, right: 12, showDetail: false, brushSelect: false, borderColor: colour("--line"),
        fillerColor: `${muted}22`, handleStyle: { color: colour("--card"), borderColor: muted }, moveHandleSize: 3,
        dataBackground: { lineStyle: { color: muted, opacity: 0.4 }, areaStyle: { opacity: 0 } }, selectedDataBackground: { lineStyle: { color: muted }, areaStyle: { opacity: 0 } } }],
    series: [
      { type: "candlestick", name: found.symbol, data: bars.map((bar) => [bar[1], bar[4], bar[3], bar[2]]), z: 3,
        itemStyle: { color: colour("--card"), color0: muted, borderColor: ink, borderColor0: muted } },
      ...band("Forecast band", low, high, accent, 0.13),
      { type: "line", name: "Mean", data: mean, symbol: "none", color: accent, lineStyle: { width: 1, type: [2, 3] }, z: 2, tooltip: { show: false } },
      ...fanned, mark("Buy", 1, accent, 0), mark("Sell", -1, loss, 180),
    ],
    tooltip: { ...b.tooltip, axisPointer: { type: "line", lineStyle: { color: muted } }, formatter: (hits) => tip(found, hits[0].dataIndex, { n, daily, low, mean, high, newest: said.newest, place }) },
  }, true);
  one.on("datazoom", () => { const { start, end } = one.getOption().dataZoom[0]; zoom = { start, end }; });
}

function tip(found, i, { n, daily, low, mean, high, newest, place }) {
  if (i >= n) return newest ? `${i - n + 1} bars ahead\nForecast over ${newest.horizon}  ${signed(newest.mean, percent(newest.mean))}\nBand  ${percent(newest.low)} \u2026 ${percent(newest.high)}` : "";
  const [ts, open, top, foot, close] = found.bars[i];
  const lines = [moment(ts, { daily }).text, `Open  ${price(open)}   High  ${price(top)}`, `Low  ${price(foot)}   Close  ${price(close)}`];
  if (low[i] != null) lines.push(`Forecast  ${price(mean[i])}, ${price(low[i])} \u2026 ${price(high[i])}`, close >= low[i] && close <= high[i] ? "Came inside the band" : "Came outside the band");
  for (const fill of found.fills) if (place.get(fill.ts) === i) lines.push(`${fill.qty > 0 ? "Bought" : "Sold"}  ${units(Math.abs(fill.qty))} at ${price(fill.price)}`);
  return lines.join("\n");
}
