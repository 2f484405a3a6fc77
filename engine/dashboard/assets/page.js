"use strict";
// The page of a paper run. Everything that comes from the run is put in as text, never as HTML.
(() => {
  const at = (id) => document.getElementById(id);
  const QUESTIONS = {
    pause: "Ask the strategy no more? Orders that work go on working.",
    resume: "Ask the strategy again?",
    flatten: "Withdraw all orders, close all positions at the next bar, and ask the strategy no more?",
    stop: "Stop the run? It can be resumed.",
    kill: "Throw the kill switch? Nothing that adds to a position is sent until a person lifts it.",
    thaw: "Lift the kill switch and what a loss stop has frozen?",
  };
  const LOST_MS = 6000; // without a sign of life
  let view = null, csrf = "", heard = 0, shown = "", pending = null;

  const number = (value, digits = 2) => value == null ? "–"
    : value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const units = (value) => value == null ? "–" : value.toLocaleString(undefined, { maximumFractionDigits: 4 });
  const percent = (value, digits = 2) => value == null ? "–" : number(100 * value, digits) + " %";
  const signed = (value, text) => (value > 0 ? "+" : "") + text;
  const when = (ns) => ns ? new Date(ns / 1e6) : null;
  const clock = (ns) => { const d = when(ns); return d ? d.toLocaleString() : "–"; };
  const age = (seconds) => seconds == null ? "–" : seconds < 60 ? Math.round(seconds) + " s ago"
    : seconds < 5400 ? Math.round(seconds / 60) + " min ago" : seconds < 172800
      ? Math.round(seconds / 3600) + " h ago" : Math.round(seconds / 86400) + " days ago";

  function put(id, text, kind = "") {
    const node = at(id);
    if (node.textContent !== text) node.textContent = text;
    if (kind !== null) node.className = node.className.replace(/\b(up|down)\b/g, "").trim() + (kind ? " " + kind : "");
  }

  function table(id, columns, rows, empty) {
    const made = document.createDocumentFragment();
    if (!rows.length) {
      const cell = document.createElement("tr").appendChild(document.createElement("td"));
      cell.className = "none"; cell.textContent = empty; made.appendChild(cell.parentNode);
    } else {
      const head = made.appendChild(document.createElement("tr"));
      for (const [name, , kind] of columns) {
        const cell = head.appendChild(document.createElement("th"));
        cell.textContent = name; if (kind === "n") cell.className = "n";
      }
      for (const row of rows) {
        const line = made.appendChild(document.createElement("tr"));
        for (const [, read, kind] of columns) {
          const cell = line.appendChild(document.createElement("td")), found = read(row);
          const [text, more, title] = Array.isArray(found) ? found : [found, "", ""];
          cell.textContent = text; cell.className = [kind || "", more || ""].join(" ").trim();
          if (title) cell.title = title;
        }
      }
    }
    at(id).replaceChildren(made);
  }

  const moment = (ns) => [clock(ns), "", ns ? new Date(ns / 1e6).toISOString() : ""];
  const pnl = (value) => [signed(value, number(value)), value < 0 ? "down" : value > 0 ? "up" : ""];

  function show() {
    const v = view, money = v.currency || "";
    document.title = `${v.state} · ${v.run || "tradewind"}`;
    put("run", v.run || "tradewind", null);
    at("state").textContent = v.state; at("state").className = "state " + v.state;
    put("mode", v.mode === "replay" ? "replay of a history" : v.mode ? "live feed" : "", null);
    put("reason", v.reason || "", null);
    if (v.equity == null) return;
    const gained = v.equity - v.start_equity, today = v.day_start_equity ? v.equity - v.day_start_equity : null;
    put("equity", `${number(v.equity)} ${money}`, null);
    put("pnl", `${signed(gained, number(gained))} since the start, ${percent(gained / v.start_equity)}`, null);
    put("today", today == null ? "–" : signed(today, number(today)), today > 0 ? "up" : today < 0 ? "down" : "");
    put("drawdown", percent(v.drawdown), v.drawdown > 0 ? "down" : "");
    put("gross", v.equity ? percent(v.gross / v.equity, 1) : "–", null);
    put("cash", number(v.cash), null);
    put("bar", clock(v.bar.ts), null); at("bar").title = `bar ${v.bar.number} of the run`;
    table("positions", [["symbol", (r) => r.symbol], ["units", (r) => units(r.qty), "n"],
      ["entry", (r) => number(r.entry), "n"], ["price", (r) => number(r.price), "n"],
      ["value", (r) => number(r.value), "n"], ["weight", (r) => percent(r.weight, 1), "n"],
      ["gain", (r) => pnl(r.pnl), "n"]], v.positions, "No positions are held.");
    table("orders", [["symbol", (r) => r.symbol], ["type", (r) => r.type.replaceAll("_", " ")],
      ["units", (r) => units(r.qty), "n"], ["filled", (r) => units(r.filled), "n"],
      ["limit", (r) => r.limit == null ? "" : number(r.limit), "n"],
      ["stop", (r) => r.stop == null ? "" : number(r.stop), "n"], ["since", (r) => moment(r.since)]],
      v.orders, "No orders work.");
    table("fills", [["time", (r) => moment(r.ts)], ["symbol", (r) => r.symbol],
      ["", (r) => r.qty > 0 ? ["bought", "up"] : ["sold", "down"]],
      ["units", (r) => units(Math.abs(r.qty)), "n"], ["price", (r) => number(r.price), "n"],
      ["fee", (r) => number(r.fee), "n"]], v.fills, "Nothing was filled yet.");
    table("forecasts", [["symbol", (r) => r.symbol], ["over", (r) => `${r.horizon} bars`],
      ["low", (r) => percent(r.low), "n"], ["mean", (r) => percent(r.mean), "n"],
      ["high", (r) => percent(r.high), "n"]], v.forecasts, "Nobody forecasts here.");
    showFeed(v.feed); showLimits(v);
    table("refused", [["time", (r) => moment(r.ts)], ["symbol", (r) => r.symbol],
      ["units", (r) => units(r.qty), "n"], ["why", (r) => r.reason, "wrap"]], v.refused, "No order was refused.");
    table("log", [["time", (r) => moment(r.ts)], ["", (r) => [r.level, r.level]],
      ["event", (r) => r.event], ["", (r) => r.text, "wrap"]], v.log, "Nothing was written yet.");
    symbols(v);
    const ended = ["stopping"].includes(v.state);
    for (const button of document.querySelectorAll("[data-act]")) button.disabled = ended;
    drawCurve(at("curve"), v);
  }

  function showFeed(feed) {
    const rows = [["name", feed.name], ["state", `${feed.state}: ${feed.reason}`], ["since", clock(feed.since)],
      ["last tick", age(feed.last_tick_age_s)], ["ticks", number(feed.ticks, 0)], ["bars", number(feed.bars, 0)],
      ["reconnects", number(feed.reconnects, 0)], ["gaps", number(feed.gaps, 0)],
      ["not used", Object.entries(feed.dropped).map(([why, n]) => `${why.replaceAll("_", " ")} ${n}`).join(", ") || "nothing"]];
    const made = document.createDocumentFragment();
    for (const [name, text] of rows) {
      made.appendChild(document.createElement("dt")).textContent = name;
      made.appendChild(document.createElement("dd")).textContent = text;
    }
    at("feed").replaceChildren(made);
  }

  function showLimits(v) {
    const made = document.createDocumentFragment();
    for (const limit of v.risk) {
      const line = made.appendChild(document.createElement("div")); line.className = "limit";
      line.appendChild(document.createElement("span")).textContent = limit.limit.replaceAll("_", " ");
      const share = line.appendChild(document.createElement("span"));
      share.textContent = `${units(limit.used)} of ${units(limit.of)} (${percent(limit.share, 0)})`;
      const meter = line.appendChild(document.createElement("meter"));
      Object.assign(meter, { min: 0, max: 1, low: 0.7, high: 0.9, optimum: 0, value: Math.min(1, limit.share || 0) });
      meter.setAttribute("aria-label", limit.limit);
    }
    if (!v.risk.length) {
      const none = made.appendChild(document.createElement("p")); none.className = "none";
      none.textContent = "No limits are set.";
    }
    at("limits").replaceChildren(made);
  }

  function symbols(v) {
    const known = new Set([...v.positions, ...v.orders, ...v.forecasts, ...v.fills].map((row) => row.symbol));
    for (const name of v.symbols || []) known.add(name);
    const names = [...known].sort(), select = at("symbol");
    if (select.dataset.names !== names.join()) {
      const chosen = select.value;
      select.replaceChildren(...names.map((name) => new Option(name, name)));
      select.dataset.names = names.join();
      if (names.includes(chosen)) select.value = chosen;
    }
    if (select.value && (shown !== `${select.value}/${v.bar.number}`)) showSymbol();
  }

  async function showSymbol() {
    const name = at("symbol").value, mark = `${name}/${view.bar.number}`;
    try {
      const found = await (await fetch("/api/symbol?name=" + encodeURIComponent(name))).json();
      if (found.bars.length) shown = mark;
      if (at("symbol").value === name) drawCandles(at("candles"), found);
    } catch { /* the banner says that the connection is lost */ }
  }

  async function post(path, content) {
    const answer = await fetch(path, { method: "POST", body: JSON.stringify(content),
      headers: { "Content-Type": "application/json", "X-Tradewind": csrf } });
    const found = await answer.json().catch(() => ({ error: answer.statusText }));
    if (!answer.ok) throw new Error(found.error);
    return found;
  }

  async function ask(name) {
    pending = name;
    at("question").textContent = QUESTIONS[name];
    at("closing").hidden = !["stop", "kill"].includes(name); at("flat").checked = false;
    at("confirm").showModal(); at("no").focus();
  }

  async function answer(yes) {
    const name = pending, flatten = at("flat").checked && !at("closing").hidden;
    at("confirm").close(); pending = null;
    if (!yes || !name) return;
    try {
      const { confirm } = await post("/api/confirm", { name });
      await post("/api/command", { name, confirm, flatten });
    } catch (error) { banner(`${name} was not taken: ${error.message}`); }
  }

  function banner(text) { at("banner").textContent = text; at("banner").hidden = !text; }

  function watch() {
    if (!heard || Date.now() - heard < LOST_MS) return;
    banner(`Connection lost; what is shown is ${age((Date.now() - heard) / 1000)}.`);
    at("state").textContent = "connection lost"; at("state").className = "state lost";
    document.title = "connection lost · tradewind";
  }

  function listen() {
    const source = new EventSource("/api/stream");
    const alive = () => { if (Date.now() - heard >= LOST_MS) banner(""); heard = Date.now(); };
    source.onmessage = (event) => {
      alive(); view = JSON.parse(event.data);
      if (view.state !== "stopping") banner("");
      show();
    };
    source.addEventListener("beat", () => { alive(); if (view) show(); });
  }

  for (const button of document.querySelectorAll("[data-act]"))
    button.addEventListener("click", () => ask(button.dataset.act));
  at("no").addEventListener("click", () => answer(false));
  at("yes").addEventListener("click", () => answer(true));
  at("symbol").addEventListener("change", () => { shown = ""; showSymbol(); });
  fetch("/api/session").then((found) => found.json()).then((found) => { csrf = found.csrf; });
  heard = Date.now();
  setInterval(watch, 1000);
  listen();
})();
