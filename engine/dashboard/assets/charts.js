"use strict";
// The two charts of the page. Tooltips are drawn as text: nothing from outside becomes HTML.
(() => {
  const made = new Map();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const time = (ns) => ns / 1e6;

  function chart(node) {
    if (!made.has(node)) {
      const one = echarts.init(node, null, { renderer: "canvas" });
      made.set(node, one);
      new ResizeObserver(() => one.resize()).observe(node);
    }
    return made.get(node);
  }

  function common() {
    const quiet = colour("--quiet"), line = colour("--line");
    return {
      animation: false, textStyle: { color: quiet, fontFamily: "system-ui, sans-serif" },
      tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: colour("--card"), borderColor: line,
        textStyle: { color: colour("--ink") } },
      axis: { axisLine: { lineStyle: { color: line } }, axisLabel: { color: quiet, hideOverlap: true },
        splitLine: { lineStyle: { color: line } } },
    };
  }

  window.drawCurve = (node, view) => {
    const base = common();
    let peak = -Infinity;
    const fall = view.curve.map(([ts, equity]) => {
      peak = Math.max(peak, equity);
      return [time(ts), peak > 0 ? 100 * (equity / peak - 1) : 0];
    });
    chart(node).setOption({
      ...base, axis: undefined,
      grid: [{ left: 76, right: 16, top: 12, height: "56%" }, { left: 76, right: 16, top: "74%", bottom: 26 }],
      xAxis: [{ type: "time", ...base.axis, gridIndex: 0, axisLabel: { show: false }, splitLine: { show: false } },
        { type: "time", ...base.axis, gridIndex: 1, splitLine: { show: false } }],
      yAxis: [{ scale: true, ...base.axis, gridIndex: 0, splitNumber: 3 },
        { max: 0, ...base.axis, gridIndex: 1, splitNumber: 2, axisLabel: { ...base.axis.axisLabel, formatter: "{value} %" } }],
      series: [
        { type: "line", name: "equity", showSymbol: false, lineStyle: { width: 2 }, color: colour("--blue"),
          data: view.curve.map(([ts, equity]) => [time(ts), equity]),
          tooltip: { valueFormatter: (value) => value.toLocaleString(undefined, { maximumFractionDigits: 2 }) } },
        { type: "line", name: "drawdown", showSymbol: false, xAxisIndex: 1, yAxisIndex: 1, areaStyle: { opacity: 0.25 },
          lineStyle: { width: 1 }, color: colour("--bad"), data: fall,
          tooltip: { valueFormatter: (value) => value.toFixed(2) + " %" } },
      ],
    }, true);
  };

  window.drawCandles = (node, found) => {
    const base = common(), ts = found.bars.map((bar) => bar[0]), place = new Map(ts.map((t, i) => [t, i]));
    const labels = ts.map((t) => new Date(time(t)).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" }));
    const marks = (sign) => found.fills.filter((fill) => Math.sign(fill.qty) === sign && place.has(fill.ts))
      .map((fill) => [place.get(fill.ts), fill.price]);
    const low = new Array(ts.length).fill(null), high = low.slice(), mean = low.slice();
    for (const said of found.forecasts) {
      const i = place.get(said.ts), to = i == null ? -1 : i + said.horizon;
      if (to < 0 || to >= ts.length + said.horizon) continue;
      while (low.length <= to) { low.push(null); high.push(null); mean.push(null); labels.push(`+${labels.length - ts.length + 1}`); }
      const close = found.bars[i][4];
      low[to] = close * Math.exp(said.low); high[to] = close * Math.exp(said.high); mean[to] = close * Math.exp(said.mean);
    }
    const shown = 120, start = labels.length > shown ? 100 * (1 - shown / labels.length) : 0;
    chart(node).setOption({
      ...base, axis: undefined,
      legend: { top: 0, textStyle: { color: colour("--quiet") }, data: ["bought", "sold", "forecast", "80 % band"] },
      grid: { left: 64, right: 16, top: 34, bottom: 66 },
      xAxis: { type: "category", data: labels, ...base.axis, splitLine: { show: false } },
      yAxis: { scale: true, ...base.axis },
      dataZoom: [{ type: "inside", start }, { type: "slider", start, height: 20, bottom: 10 }],
      series: [
        { type: "line", name: "band", data: low, showSymbol: false, lineStyle: { opacity: 0 }, stack: "band", silent: true },
        { type: "line", name: "80 % band", data: high.map((value, i) => value == null ? null : value - low[i]), showSymbol: false,
          lineStyle: { opacity: 0 }, areaStyle: { color: colour("--blue"), opacity: 0.16 }, color: colour("--blue"), stack: "band", silent: true },
        { type: "line", name: "forecast", data: mean, showSymbol: false, color: colour("--blue"), lineStyle: { width: 1, type: "dashed" } },
        { type: "candlestick", name: found.symbol, data: found.bars.map((bar) => [bar[1], bar[4], bar[3], bar[2]]),
          itemStyle: { color: colour("--good"), color0: colour("--bad"), borderColor: colour("--good"), borderColor0: colour("--bad") } },
        { type: "scatter", name: "bought", symbol: "triangle", symbolSize: 12, data: marks(1), color: colour("--good"), z: 5,
          itemStyle: { borderColor: colour("--ink"), borderWidth: 1 } },
        { type: "scatter", name: "sold", symbol: "triangle", symbolRotate: 180, symbolSize: 12, data: marks(-1), color: colour("--bad"), z: 5,
          itemStyle: { borderColor: colour("--ink"), borderWidth: 1 } },
      ],
    }, true);
  };
})();
