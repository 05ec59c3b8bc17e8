/* All rows in one table: filtered, sorted, with columns at will, copied as CSV, Markdown or LaTeX. */
(() => {
  const { data, element, choose, chosen, interval, source, options, listeners } = doabench;
  const { rows } = data.numbers;
  const root = document.getElementById("numbers");
  const SHOWN_FIRST = 100;
  let all = false;

  const text = (name, heading) => ({ name, heading, of: (row) => row[name] });
  const number = (name, heading, decimals, of) => ({ name, heading, decimals, of });
  const columns = [
    text("name", "Method"), number("labels", "Labels J", 0, (row) => row.labels), text("protocol", "Protocol"), text("split", "Split"),
    text("room", "Room"), text("trained_in", "Trained in"), text("speech", "Speech"), text("scale", "Scale"), text("measured", "Kind of room"),
    number("rt60_s", "RT60, s", 2, (row) => row.rt60_s), number("seeds", "Seeds", 0, (row) => row.seeds), text("origin", "From"), text("status", "State"),
    ...data.numbers.columns.map((one) => ({ ...number(one.name, one.heading, one.decimals, (row) => [row.values[one.name]].flat()[0]), metric: true })),
    number("paper", "Paper MAE, deg", 2, (row) => row.paper?.[0]),
    number("gap", "MAE less paper’s, deg", 2, (row) => (row.paper && row.values.mae_deg ? row.values.mae_deg[0] - row.paper[0] : undefined)),
    number("rank", "Rank", 0, (row) => row.standings[row.labels]?.rank[0]),
  ];
  const byName = Object.fromEntries(columns.map((column) => [column.name, column]));
  const usual = ["name", "labels", "protocol", "split", "room", "mae_deg", "accuracy_pct", "accuracy_10_pct", "ece_pct", "fit_s", "predict_us_per_sequence", "paper", "status"];
  const visible = () => (chosen("columns")?.split(",") ?? usual).filter((name) => byName[name]).map((name) => byName[name]);

  const filters = [...root.querySelectorAll("select[data-filter]")];
  const filtered = () => rows.filter((row) => filters.every((one) => !one.value || row[one.dataset.filter] === one.value));
  const sorted = (of) => {
    const column = byName[chosen("sort")];
    if (!column) return of;
    const way = chosen("down") ? -1 : 1;
    const keyed = of.map((row) => [column.of(row), row]);
    const missing = (value) => value === undefined || value === null || value === "";
    return keyed.sort(([a], [b]) => missing(a) - missing(b) || (missing(a) ? 0 : way * (typeof a === "string" ? a.localeCompare(b) : a - b))).map(([, row]) => row);
  };
  const shown = (column, row) => {
    const value = column.of(row);
    if (value === undefined || value === null) return "";
    return column.decimals === undefined ? value : column.name === "parameters" ? value.toLocaleString("en") : value.toFixed(column.decimals);
  };

  const cell = (column, row) => {
    if (column.name === "name") return element("th", { scope: "row" }, source(row, row.name), row.outdated ? element("span", { class: "origin" }, "outdated") : null);
    if (column.name === "status") return element("td", {}, source(row, row.status, { class: `source state ${row.status}` }));
    const value = shown(column, row);
    if (!column.metric || !value) return element("td", { class: column.decimals === undefined ? "" : "num" }, value || "");
    const bounds = row.values[column.name];
    const small = Array.isArray(bounds) ? interval(bounds, (one) => one.toFixed(column.decimals)) : "";
    return element("td", { class: "num" }, source(row, value), small ? element("span", { class: "small" }, small) : null);
  };
  const head = (column) => {
    const way = chosen("sort") === column.name ? (chosen("down") ? "descending" : "ascending") : undefined;
    return element("th", { scope: "col", class: column.decimals === undefined ? "" : "num", "aria-sort": way },
      element("button", { type: "button", "data-column": column.name }, column.heading));
  };
  const table = document.getElementById("all");
  const more = root.querySelector("#more");
  const draw = () => {
    const of = sorted(filtered()), own = visible();
    const part = all ? of : of.slice(0, SHOWN_FIRST);
    table.tHead.rows[0].replaceChildren(...own.map(head));
    table.tBodies[0].replaceChildren(...part.map((row) => element("tr", { class: row.outdated ? "outdated" : undefined }, ...own.map((column) => cell(column, row)))));
    root.querySelector("#count").textContent = `${of.length} of ${rows.length} rows`;
    more.hidden = part.length === of.length;
    more.textContent = `Show all ${of.length}`;
  };
  const fill = () => {
    filters.forEach((one) => {
      const name = one.dataset.filter;
      options(one, ["", ...[...new Set(rows.map((row) => row[name]))].filter(Boolean).sort()], chosen("only." + name) ?? "", (value) => value || "all");
    });
    const own = visible().map((column) => column.name);
    root.querySelector("#columns").replaceChildren(...columns.map((column) => element("label", {},
      element("input", { type: "checkbox", name: column.name, checked: own.includes(column.name), disabled: column.name === "name" }), " " + column.heading)));
    draw();
  };

  const grid = () => [visible().map((column) => column.heading), ...sorted(filtered()).map((row) => visible().map((column) => String(shown(column, row))))];
  const latex = (value) => value.replace(/[\\&%$#_{}~^]/g, (sign) => ({ "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" }[sign] ?? "\\" + sign));
  const formats = {
    csv: (lines) => lines.map((line) => line.map((value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(",")).join("\n") + "\n",
    markdown: ([first, ...rest]) => [first, first.map(() => "---"), ...rest].map((line) => `| ${line.map((value) => value.replace(/[\\|]/g, "\\$&")).join(" | ")} |`).join("\n") + "\n",
    latex: ([first, ...rest]) => [`\\begin{tabular}{${visible().map((column) => (column.decimals === undefined ? "l" : "r")).join("")}}`, "\\toprule",
      first.map(latex).join(" & ") + " \\\\", "\\midrule", ...rest.map((line) => line.map(latex).join(" & ") + " \\\\"), "\\bottomrule", "\\end{tabular}"].join("\n") + "\n",
  };
  /* A page opened from disk may not be allowed to write to the clipboard: then the text is there to be copied by hand. */
  const copy = async (kind) => {
    const area = root.querySelector("#copied"), say = root.querySelector("#said");
    area.value = formats[kind](grid());
    try {
      await navigator.clipboard.writeText(area.value);
      say.textContent = `Copied ${grid().length - 1} rows.`;
      area.hidden = true;
    } catch {
      area.hidden = false;
      area.select();
      say.textContent = "Press Ctrl+C to copy.";
    }
  };

  root.addEventListener("change", (event) => {
    const { target } = event;
    if (target.dataset.filter) choose("only." + target.dataset.filter, target.value);
    else if (target.type === "checkbox") {
      const own = columns.map((column) => column.name).filter((name) => root.querySelector(`#columns input[name="${name}"]`).checked);
      choose("columns", own.join());
    } else return;
    draw();
  });
  root.addEventListener("click", (event) => {
    const { column } = event.target.dataset;
    if (column) {
      const again = chosen("sort") === column && !chosen("down");
      choose("sort", column);
      choose("down", again ? "1" : "");
      draw();
      table.tHead.querySelector(`[data-column="${column}"]`).focus();
    }
    if (event.target.dataset.copy) copy(event.target.dataset.copy);
    if (event.target === more) { all = true; draw(); }
    if (event.target.id === "clear") {
      filters.forEach((one) => choose("only." + one.dataset.filter, ""));
      ["sort", "down", "columns"].forEach((name) => choose(name, ""));
      fill();
    }
  });
  listeners.push(fill);
  fill();
  doabench.restore();
})();
