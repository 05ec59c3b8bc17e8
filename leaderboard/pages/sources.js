/* What both the first screen and the table of all rows need: elements, the view in the address, and where a number is from. */
(() => {
  const { numbers } = doabench.data;

  /* An element with attributes and children; text is only ever text. */
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  /* The view: what is chosen, kept in the address behind #, so that a link shows the same. Plain anchors are left alone. */
  const read = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  let view = read();
  const listeners = [];
  const choose = (name, value) => {
    if (value === "" || value === undefined) view.delete(name);
    else view.set(name, value);
    history.replaceState(null, "", "#" + view);
  };
  addEventListener("hashchange", () => {
    if (location.hash && !location.hash.includes("=")) return;
    view = read();
    listeners.forEach((listener) => listener());
  });

  const degrees = (value) => (value < 9.995 ? value.toFixed(2) : value.toFixed(1));
  const interval = ([, low, high], shown = degrees) => (low === null ? "" : `${shown(low)}–${shown(high)}`);

  const dialog = document.getElementById("source");
  const list = (pairs) => element("dl", {}, ...pairs.filter(([, text]) => text !== "" && text !== null && text !== undefined)
    .map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(text)))));
  const machine = (number) => {
    const place = number === null ? null : numbers.machines[number];
    if (!place) return [["Machine", "not recorded"]];
    const versions = Object.entries(place.packages ?? {}).map(([name, version]) => `${name} ${version}`);
    return [
      ["Commit", (place.commit || "not recorded") + (place.dirty ? ", with uncommitted changes" : "")],
      ["Machine", `${place.cpu ?? "?"}, ${place.cores ?? "?"} cores, ${place.device ?? "?"}, ${place.threads ?? "?"} thread(s) per fit, ${place.system ?? "?"}`],
      ["Versions", [`Python ${place.python ?? "?"}`, ...versions].join(", ")],
    ];
  };
  const recordOf = (record) => element("details", { open: record.state !== "ok" || undefined },
    element("summary", {}, `Seed ${record.seed}: ${record.state}, cell ${record.key.slice(0, 10)}`),
    list([
      ["Cell", record.key], ["Fit", record.fit], ["State", record.state + (record.reason ? `: ${record.reason}` : "")],
      ["Finding", record.hint], ["In MLflow", `tags.\`doabench.key\` = '${record.key}'`], ...machine(record.machine),
      ...Object.entries(record.digests).map(([name, digest]) => [`${name}, digest`, digest]),
    ]));
  /* The best is what all others are held against: it alone differs from itself by nothing at all. */
  const isBest = (row, labels) => row.standings[labels].difference_deg.every((value) => !value);
  const standingOf = (row) => {
    const standing = row.standings[row.labels];
    if (!standing) return "compared with nothing";
    const [rank, low, high] = standing.rank;
    const off = standing.difference_deg;
    if (isBest(row, row.labels)) return `the best; rank ${low}–${high} with 95 % confidence for all methods together`;
    return `rank ${rank} (${low}–${high} with 95 % confidence for all methods together; intervals that do not meet tell two apart); ` +
      `${degrees(off[0])}° behind the best${off[1] === null ? "" : ` (${interval(off)})`}, p = ${standing.p_best.toPrecision(2)}` +
      (standing.tied ? ": cannot be told apart from it" : "");
  };
  /* Against the best its own test decides. Of two others, ranks hold for all methods together, so two whose ranks do not meet
     differ. Other seeds are other speech: not compared. */
  const against = (row) => {
    const rank = (one) => one.standings[row.labels]?.rank;
    if (!rank(row)) return [];
    const rivals = numbers.rows.filter((one) => one !== row && one.table === row.table && one.seeds === row.seeds && rank(one));
    const above = (a, b) => (isBest(a, row.labels) ? !b.standings[row.labels].tied : !isBest(b, row.labels) && rank(a)[2] < rank(b)[1]);
    const named = (kept) => rivals.filter(kept).map((one) => one.name).join(", ");
    return [
      ["Better than", named((one) => above(row, one))],
      ["Worse than", named((one) => above(one, row))],
      ["Not told apart", named((one) => !above(row, one) && !above(one, row))],
    ];
  };
  const show = (row) => {
    const error = row.values.mae_deg;
    const where = [row.protocol + ` version ${row.version}`, row.split, row.room, row.measured, row.speech, `${row.scale} scale`];
    dialog.replaceChildren(
      element("form", { method: "dialog" }, element("button", { "aria-label": "Close" }, "×")),
      element("h2", { id: "source-title" }, row.name + (row.labels ? `, J = ${row.labels}` : ", no labels")),
      list([
        ["MAE", error ? `${degrees(error[0])}° ${interval(error) && `(95 %: ${interval(error)})`}` : "none"],
        ["State", [row.status, ...row.reasons].join(": ")], ["Scored", where.join(" · ")],
        ["From", row.origin + (row.outdated ? `, outdated: ${row.outdated}` : "")],
        ["Amount", row.sequences && `${row.sequences} sequences of ${row.clips} clips, ${row.seeds} seed(s)`],
        ["Standing", standingOf(row)], ...against(row),
        ["Paper", row.paper && `${degrees(row.paper[0])}°${error ? `, ${error[0] < row.paper[0] ? "" : "+"}${(error[0] - row.paper[0]).toFixed(2)}° here` : ""}`],
        ["Again", row.command],
      ]),
      ...row.records.map(recordOf),
    );
    dialog.showModal();
    choose("row", row.records[0].key);
  };
  dialog.addEventListener("close", () => choose("row", ""));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const restore = () => {
    const key = view.get("row");
    const row = key && numbers.rows.find((one) => one.records.some((record) => record.key === key));
    if (row && !dialog.open) show(row);
    if (!row && dialog.open) dialog.close();
  };
  listeners.push(restore);

  /* A number that opens where it is from. */
  const source = (row, text, more = {}) =>
    element("button", { type: "button", class: "source", title: "Where this number comes from", onclick: () => show(row), ...more }, text);

  const options = (select, values, chosen, name = (value) => value) => {
    select.replaceChildren(...values.map((value) => element("option", { value, selected: String(value) === String(chosen) }, name(value))));
    select.disabled = values.length < 2;
  };
  Object.assign(doabench, { element, choose, listeners, degrees, interval, source, options, restore, chosen: (name) => view.get(name) });
})();
