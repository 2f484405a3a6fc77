// Mounts every figure.chart of the page, keeps it in step with its controls, the window, the colour
// scheme and the printer. What is drawn stands in charts*.js, what is packed in packing.py.
"use strict";
(() => {
  const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u2: Uint16Array };
  const STEPS = 65534;
  const CANVAS = new Set(["price"]); // thousands of marks that move: too much for SVG
  const figures = new Map();

  function unpack(value) {
    if (Array.isArray(value)) return value.map(unpack);
    if (value === null || typeof value !== "object") return value;
    const type = Object.keys(TYPES).find((name) => typeof value[name] === "string");
    if (type) return numbers(type, value);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
  }
  function numbers(type, packed) {
    const bytes = Uint8Array.from(atob(packed[type]), (c) => c.charCodeAt(0));
    const found = new TYPES[type](bytes.buffer);
    if (type !== "u2") return found;
    const scale = packed.log ? Math.log : (v) => v, back = packed.log ? Math.exp : (v) => v;
    const low = scale(packed.low), width = scale(packed.high) - low;
    return Float64Array.from(found, (step) => (step > STEPS ? NaN : back(low + (width * step) / STEPS)));
  }

  function look(element) {
    const style = getComputedStyle(document.documentElement);
    const css = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      paper: css("paper"), soft: css("soft"), ink: css("ink"), muted: css("muted"), line: css("line"),
      strategy: css("strategy"), benchmark: css("benchmark"), loss: css("loss"),
      cellLow: css("cell-low"), cellHigh: css("cell-high"),
      more: [css("loss"), css("muted"), css("ink")],
      font: `12px ${css("sans")}`, family: css("sans"),
      narrow: element.clientWidth < 560, touch: matchMedia("(pointer: coarse)").matches,
    };
  }

  function draw(figure) {
    const now = look(figure.element);
    const option = charts[figure.kind](figure.data, now, figure.state);
    const { tooltip, onZoom, ...rest } = option;
    figure.chart.setOption({
      animation: false, useUTC: true, backgroundColor: "transparent",
      textStyle: { fontFamily: now.family, fontSize: 12, color: now.ink },
      tooltip: tooltip && { confine: true, backgroundColor: now.paper, borderColor: now.line, textStyle: { color: now.ink }, transitionDuration: 0, ...tooltip },
      ...rest,
    }, { notMerge: true });
    figure.chart.off("datazoom");
    if (onZoom) figure.chart.on("datazoom", () => figure.chart.setOption(onZoom(zoomOf(figure))));
    figure.narrow = now.narrow;
    figure.zooms = Boolean(option.dataZoom);
    if (figure.zooms) figure.element.tabIndex = 0;
  }

  function mount(box) {
    const element = box.querySelector(".drawing");
    const data = unpack(JSON.parse(box.querySelector(".chart-data").textContent));
    const renderer = CANVAS.has(box.dataset.kind) ? "canvas" : "svg";
    const chart = echarts.init(element, null, { renderer, devicePixelRatio: Math.max(2, devicePixelRatio) });
    const figure = { box, element, data, chart, kind: box.dataset.kind, state: {} };
    figures.set(box.id, figure);
    draw(figure);
    box.addEventListener("change", (event) => control(figure, event.target));
    box.addEventListener("click", (event) => step(figure, event.target));
    element.addEventListener("keydown", (event) => keys(figure, event));
    new ResizeObserver(() => resize(figure)).observe(element);
  }

  function control(figure, field) {
    const key = field.dataset.set;
    if (!key) return;
    figure.state[key] = field.type === "checkbox" ? field.checked : Number(field.value);
    figure.state.zoom = key === "symbol" ? undefined : zoomOf(figure);
    draw(figure);
  }
  function step(figure, target) {
    const button = target.closest("[data-step]");
    const field = figure.box.querySelector("select");
    if (!button || !field) return;
    field.selectedIndex = (field.selectedIndex + Number(button.dataset.step) + field.length) % field.length;
    control(figure, field);
  }

  function zoomOf(figure) {
    const zoom = figure.zooms && figure.chart.getOption().dataZoom[0];
    return zoom ? { start: zoom.start, end: zoom.end } : undefined;
  }
  function keys(figure, event) {
    if (!figure.zooms || event.ctrlKey || event.metaKey || event.altKey) return;
    const { start, end } = zoomOf(figure), width = end - start;
    const to = {
      ArrowLeft: [start - width / 10, width], ArrowRight: [start + width / 10, width],
      "+": [start + width / 4, width / 2], "=": [start + width / 4, width / 2],
      "-": [start - width / 2, width * 2], "0": [0, 100],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    const wide = Math.min(100, Math.max(1, to[1])), from = Math.min(100 - wide, Math.max(0, to[0]));
    figure.chart.dispatchAction({ type: "dataZoom", start: from, end: from + wide });
  }

  function resize(figure) {
    figure.chart.resize();
    if (look(figure.element).narrow !== figure.narrow) { figure.state.zoom = zoomOf(figure); draw(figure); }
  }
  function redraw() {
    for (const figure of figures.values()) { figure.state.zoom = zoomOf(figure); draw(figure); }
  }

  document.querySelectorAll("figure.chart").forEach(mount);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = "light";
    redraw();
    for (const figure of figures.values()) figure.chart.resize({ width: 660 });
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.theme;
    redraw();
    for (const figure of figures.values()) figure.chart.resize({ width: "auto" });
  });
})();
