// The curve of equity and drawdown, and what both charts share. Tooltips are drawn, not HTML.
import { moment, number, percent } from "./format.js";
import { at } from "./tables.js";

const made = new Map();
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const narrow = () => matchMedia("(max-width: 700px)").matches;

export function chart(node) {
  if (!made.has(node)) {
    const one = window.echarts.init(node, null, { renderer: "canvas" });
    made.set(node, one);
    new ResizeObserver(() => one.resize()).observe(node);
  }
  return made.get(node);
}

export function base() {
  const muted = colour("--muted"), line = colour("--line"), ink = colour("--ink");
  return {
    animation: false, textStyle: { color: muted, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colour("--card"), borderColor: line, borderWidth: 1,
      padding: [8, 12], textStyle: { color: ink, fontSize: 12, lineHeight: 18 }, axisPointer: { lineStyle: { color: muted } } },
    category: { type: "category", axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, axisLabel: { color: muted, hideOverlap: true, alignMinLabel: "left", alignMaxLabel: "right" } },
    value: { type: "value", axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: muted }, splitLine: { lineStyle: { color: line } } },
  };
}

// Whether bars are of days and longer: half of them lie further apart than 20 hours.
export function isDaily(points) {
  const gaps = points.slice(1, 200).map((point, i) => point[0] - points[i][0]).sort((a, b) => a - b);
  return gaps.length > 0 && gaps[gaps.length >> 1] > 20 * 3600e9;
}

export function drawCurve(view, daily) {
  const points = view.curve || [], node = at("curve");
  node.hidden = points.length < 2; at("curve-none").hidden = points.length >= 2;
  if (points.length < 2) return;
  let peak = view.start_equity || -Infinity, worst = 0;
  const fall = points.map(([, equity]) => { peak = Math.max(peak, equity); const d = peak > 0 ? equity / peak - 1 : 0; worst = Math.min(worst, d); return d; });
  const labels = points.map(([ts]) => moment(ts, { daily, short: true }).text);
  const b = base(), strategy = colour("--accent"), loss = colour("--loss"), left = 62;
  node.setAttribute("aria-label", `Equity went from ${number(points[0][1])} to ${number(points.at(-1)[1])}; the deepest drawdown shown is ${percent(worst)}.`);
  const digits = -worst < 0.02 ? 1 : 0;
  chart(node).setOption({
    ...b, category: undefined, value: undefined,
    grid: [{ left, right: 12, outerBoundsMode: "none", top: 10, bottom: "36%" }, { left, right: 12, outerBoundsMode: "none", top: "72%", bottom: 26 }],
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    xAxis: [{ ...b.category, data: labels, boundaryGap: false, axisLabel: { show: false }, axisLine: { show: false } },
      { ...b.category, data: labels, boundaryGap: false, gridIndex: 1, axisLine: { show: false } }],
    yAxis: [{ ...b.value, scale: true, splitNumber: 3, axisLabel: { ...b.value.axisLabel, formatter: (v) => number(v, 0) } },
      { ...b.value, gridIndex: 1, max: 0, ...(worst < 0 ? {} : { min: -0.01, interval: 0.01 }), splitNumber: 2, axisLabel: { ...b.value.axisLabel, formatter: (v) => percent(v, digits) } }],
    series: [
      { type: "line", name: "Equity", data: points.map((point) => point[1]), symbol: "none", color: strategy, lineStyle: { width: 1.8 },
        markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: colour("--muted"), type: [3, 4], width: 1 }, data: view.start_equity ? [{ yAxis: view.start_equity }] : [] } },
      { type: "line", name: "Drawdown", data: fall, symbol: "none", color: loss, xAxisIndex: 1, yAxisIndex: 1, lineStyle: { width: 1 }, areaStyle: { color: loss, opacity: 0.2 } },
    ],
    tooltip: { ...b.tooltip, formatter: (hits) => {
      const i = hits[0].dataIndex;
      return `${moment(points[i][0], { daily }).text}\nEquity  ${number(points[i][1])}\nDrawdown  ${percent(fall[i])}`;
    } },
  }, true);
}
