// The line to the run: what changes, whether it is still there, and the page's second token.
const LOST_MS = 5000; // without a sign of life; one comes every two seconds
const SILENT_MS = 12000; // that the run itself has not shown anything new
const PLACE = "tradewind";

export const link = { state: "connecting", heard: Date.now(), skew: 0, seen: 0 };
export const now = () => Date.now() + link.skew; // by the clock of the machine that trades

function taken() {
  const given = location.hash.slice(1);
  if (!/^[\w-]{43}$/.test(given)) return "";
  history.replaceState(null, "", location.pathname);
  try { localStorage.setItem(PLACE, given); } catch { /* this tab keeps it alone */ }
  return given;
}

function kept() {
  try { return localStorage.getItem(PLACE) || ""; } catch { return ""; }
}

export const key = taken() || kept();

export async function get(path) {
  const answer = await fetch(path, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

export async function post(path, content) {
  const answer = await fetch(path, {
    method: "POST", credentials: "same-origin", body: JSON.stringify(content),
    headers: { "Content-Type": "application/json", "X-Tradewind": key },
  });
  const text = await answer.text();
  let found = {};
  try { found = JSON.parse(text); } catch { found = { error: text.trim() }; }
  if (!answer.ok) throw new Error(found.error || answer.statusText);
  return found;
}

function judged() {
  const quiet = Date.now() - link.heard;
  if (["gone", "ended"].includes(link.state)) return link.state;
  if (!link.seen) return quiet > LOST_MS ? "lost" : "connecting";
  if (quiet > LOST_MS) return "lost";
  return now() - link.seen / 1e6 > SILENT_MS ? "silent" : "live";
}

// parts(changed) is told what is new, turned(state) each second how the line is.
export function listen(parts, turned) {
  let source;
  const alive = (ns) => { link.heard = Date.now(); if (ns) link.skew = ns / 1e6 - Date.now(); };
  function open() {
    source = new EventSource("/api/stream");
    source.onmessage = (event) => {
      alive();
      const changed = JSON.parse(event.data);
      if (changed.now) link.seen = changed.now;
      parts(changed);
    };
    source.addEventListener("beat", (event) => { alive(Number(event.data)); look(); });
    source.addEventListener("end", () => { source.close(); link.state = "ended"; turned("ended"); });
    source.onerror = async () => {
      if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      const status = await fetch("/api/state").then((answer) => answer.status, () => 0);
      if (status === 401) { link.state = "gone"; look(); return; }
      setTimeout(open, 2000);
    };
  }
  function look() { link.state = judged(); turned(link.state); }
  setInterval(look, 1000);
  open();
}
