// Tables and lists. Whatever comes from the run is put in as text, never as HTML.
export function element(name, { text, kind, title, ...attributes } = {}, ...children) {
  const node = document.createElement(name);
  if (text != null) node.textContent = text;
  if (kind) node.className = kind;
  if (title) node.title = title;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export const at = (id) => document.getElementById(id);

export function put(id, text) {
  const node = at(id);
  if (node.textContent !== text) node.textContent = text;
}

// columns: head, read(row) -> text or {text, kind, title}, number, wide (left out on a phone), sub(row) (a second line, there alone), also(row) (one everywhere)
export function table(id, name, columns, rows, empty) {
  const home = at(id), scrolled = home.firstElementChild?.scrollTop || 0;
  if (!rows?.length) {
    home.replaceChildren(element("p", { text: empty, kind: "none" }));
    return;
  }
  const head = element("tr");
  for (const column of columns) head.append(element("th", { text: column.head, kind: look(column), scope: "col" }));
  const body = element("tbody");
  for (const row of rows) {
    const line = element("tr");
    columns.forEach((column, i) => {
      const found = column.read(row), { text, kind, title } = typeof found === "object" && found ? found : { text: found };
      const cell = element(i ? "td" : "th", { text, title, kind: `${look(column)} ${kind || ""}`.trim(), ...(i ? {} : { scope: "row" }) });
      const sub = column.sub?.(row), also = column.also?.(row);
      if (sub) cell.append(element("small", { text: sub, kind: "sub" }));
      if (also) cell.append(element("small", { text: also, kind: "also" }));
      line.append(cell);
    });
    body.append(line);
  }
  const caption = element("caption", { text: name, kind: "hidden" });
  const box = element("div", { kind: "scroll", tabindex: "0", role: "region", "aria-label": name },
    element("table", {}, caption, element("thead", {}, head), body));
  const held = home.contains(document.activeElement);
  home.replaceChildren(box);
  box.scrollTop = scrolled;
  if (held) box.focus({ preventScroll: true });
}

const look = (column) => [column.number && "number", column.wide && "wide-only", column.wrap && "wrap"].filter(Boolean).join(" ");

export function list(id, rows) {
  at(id).replaceChildren(...rows.map(({ name, text, sub, kind, title, key }) =>
    element("div", {}, element("dt", { text: name }),
      element("dd", { kind }, element("span", { text, title, ...(key ? { id: key } : {}) }), ...(sub ? [element("small", { text: sub })] : [])))));
}
