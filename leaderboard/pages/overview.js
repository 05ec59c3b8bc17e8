/* The first screen: methods by the places where they are scored, at one number of labels, and error against labels at one place. */
(() => {
  const { data, element, choose, chosen, degrees, interval, source, options, listeners } = doabench;
  const { rows, places, paper } = data.numbers;
  const root = document.getElementById("overview");
  const placed = rows.filter((row) => row.place && !row.outdated);
  root.hidden = !placed.length;
  if (root.hidden) return;
  const facets = ["room", "speech", "scale", "kind"];
  const distinct = (of, name) => [...new Set(of.map((row) => row[name]))];
  const select = (name) => root.querySelector(`select[name="${name}"]`);

  /* Of each facet what was chosen, if there is such a row; else what most rows have. */
  const pick = (of, name) => {
    const values = distinct(of, name);
    const count = (value) => of.filter((row) => row[name] === value).length;
    const most = [...values].sort((a, b) => count(b) - count(a))[0];
    const value = values.includes(chosen(name)) ? chosen(name) : most;
    options(select(name), values, value);
    return of.filter((row) => row[name] === value);
  };
  const scored = () => facets.reduce(pick, placed);
  const pickLabels = (of) => {
    const counts = [...new Set(of.map((row) => row.labels))].sort((a, b) => a - b).filter((count, _, all) => count || all.length === 1);
    const reach = (count) => new Set(of.filter((row) => row.labels === count).map((row) => row.place)).size;
    const widest = [...counts].sort((a, b) => reach(b) - reach(a) || a - b)[0];
    const labels = counts.includes(Number(chosen("j"))) ? Number(chosen("j")) : widest;
    options(select("j"), counts, labels, (count) => (count ? `J = ${count}` : "no labels"));
    return labels;
  };
  const pickPlace = (columns) => {
    const place = columns.includes(chosen("place")) ? chosen("place") : columns[0];
    options(select("place"), columns, place);
    return place;
  };

  /* The best of a column has the lowest error of those with the most seeds; who is tied with it, the paired test says. */
  const error = (row) => row.values.mae_deg?.[0];
  const bestOf = (column) => {
    const known = column.filter((row) => error(row) !== undefined);
    const most = Math.max(...known.map((row) => row.seeds));
    return known.filter((row) => row.seeds === most).sort((a, b) => error(a) - error(b))[0];
  };
  const isTied = (row, labels, best) => row !== best && Boolean(row.standings[labels]?.tied);
  const cell = (row, labels, best) => {
    if (!row) return element("td", { class: "none" }, element("span", { "aria-hidden": "true" }, "·"), element("span", { class: "hidden" }, "not run"));
    const found = row.values.mae_deg;
    if (!found) return element("td", { class: "num" }, source(row, row.status, { class: `source state ${row.status}` }));
    const tied = isTied(row, labels, best);
    const mark = row === best ? "best" : tied ? "tied" : "";
    return element("td", { class: `num ${mark}` }, source(row, `${degrees(found[0])}°`),
      mark ? element("abbr", { class: "dagger", title: tied ? "Cannot be told apart from the best" : "The best" }, tied ? "‡" : "★") : null,
      element("span", { class: "small" }, interval(found)),
      row.paper ? element("span", { class: "small paper" }, `paper ${degrees(row.paper[0])}°`) : null);
  };

  const swatch = (method) => {
    const { symbol } = data.marks[method];
    const text = { circle: "●", square: "■", "triangle-up": "▲", diamond: "◆", "triangle-down": "▼", cross: "✚", x: "✖", star: "★" }[symbol];
    return element("span", { class: "swatch", "aria-hidden": "true", style: `color: ${doabench.methodColour(method)}` }, text);
  };
  const draw = () => {
    const shown = scored();
    const labels = pickLabels(shown);
    const at = shown.filter((row) => row.labels === labels || row.labels === 0);
    const columns = places.filter((place) => shown.some((row) => row.place === place));
    const place = pickPlace(columns);
    const best = Object.fromEntries(columns.map((column) => [column, bestOf(at.filter((row) => row.place === column))]));
    const rank = (name) => Math.min(...at.filter((row) => row.name === name && row.place === place).map((row) => error(row) ?? Infinity));
    const names = distinct(at, "name").sort((a, b) => (rank(a) === rank(b) ? a.localeCompare(b) : rank(a) - rank(b)));
    const ours = names.map((name) => {
      const own = at.filter((row) => row.name === name);
      return element("tr", {}, element("th", { scope: "row" }, swatch(own[0].method), element("span", { class: "method" }, own[0].method),
        name === own[0].method ? null : element("span", { class: "small" }, name.slice(own[0].method.length + 2, -1)),
        own[0].origin === "own" ? null : element("span", { class: "origin" }, own[0].origin)),
      ...columns.map((column) => cell(own.find((row) => row.place === column), labels, best[column])));
    });
    const values = paper.filter((one) => one.place && facets.every((name) => one[name] === select(name).value) && (one.labels === labels || !one.labels));
    const theirs = distinct(values, "method").map((method) => element("tr", { class: "paper" },
      element("th", { scope: "row" }, swatch(method), `${method}, paper`),
      ...columns.map((column) => {
        const one = values.find((value) => value.method === method && value.place === column);
        return element("td", { class: "num" }, one ? `${degrees(one.mae_deg)}°` : "");
      })));
    const table = document.getElementById("matrix");
    table.tHead.rows[0].replaceChildren(element("th", { scope: "col" }, "Method"),
      ...columns.map((column) => element("th", { scope: "col", class: "num", "aria-current": column === place ? "true" : undefined }, column)));
    table.tBodies[0].replaceChildren(...ours, ...theirs);
    document.getElementById("answer").replaceChildren(...answer(at, labels, place, best[place]));
    curves(shown.filter((row) => row.place === place), values.length ? place : null);
    costs(at.filter((row) => row.place === place && row.values.mae_deg));
  };

  const answer = (at, labels, place, best) => {
    if (!best) return ["Nothing was scored there yet."];
    const there = at.filter((row) => row.place === place);
    const tied = there.filter((row) => isTied(row, labels, best)).map((row) => row.name);
    const others = there.length - 1 - tied.length;
    const range = interval(best.values.mae_deg);
    return [`${place}, ${labels ? `J = ${labels}` : "no labels"}: `, element("b", {}, best.name), ` is best, ${degrees(error(best))}°`,
      range ? ` (95 %: ${range}°). ` : ". ",
      tied.length ? `Not told apart from it (‡): ${tied.join(", ")}. ` : "",
      others > 0 ? `The other ${others} ${others === 1 ? "is" : "are"} worse, or not comparable.` : ""];
  };

  /* Forms of one method may differ anywhere in a long name: a legend shows the whole, on several lines. */
  const wrapped = (name) => name.replace(/(.{28,40}) /g, "$1\n");

  /* Error against labels with bands of the intervals; methods without labels are level. */
  const rgba = (hex, alpha) => `rgba(${[1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).join()},${alpha})`;
  const curves = (there, place) => {
    const counts = [...new Set(there.map((row) => row.labels).filter(Boolean))].sort((a, b) => a - b);
    const known = there.filter((row) => row.values.mae_deg);
    const traces = distinct(known, "name").flatMap((name) => {
      const own = known.filter((row) => row.name === name).sort((a, b) => a.labels - b.labels);
      const flat = own.every((row) => !row.labels);
      const x = flat && counts.length ? [counts[0], counts[counts.length - 1]] : own.map((row) => row.labels);
      const values = flat && counts.length ? [own[0], own[0]] : own;
      const shade = doabench.methodColour(own[0].method);
      const bounded = values.every((row) => row.values.mae_deg[1] !== null);
      const band = bounded && values.length > 1 ? [{
        x: [...x, ...[...x].reverse()], y: [...values.map((row) => row.values.mae_deg[2]), ...values.map((row) => row.values.mae_deg[1]).reverse()],
        fill: "toself", fillcolor: rgba(shade, 0.12), line: { width: 0 }, mode: "lines", hoverinfo: "skip", showlegend: false, legendgroup: name,
      }] : [];
      const source = own[0].form === "published" ? "published" : "ours";
      return [...band, doabench.curve({ x, y: values.map(error), name: wrapped(name), method: own[0].method, source },
        { legendgroup: name, hovertemplate: "J = %{x}: %{y:.2f}°<extra>" + doabench.plain(name) + "</extra>" })];
    });
    const theirs = place === null ? [] : paper.filter((one) => one.place === place && facets.every((name) => one[name] === select(name).value));
    const dashed = distinct(theirs, "method").filter((method) => counts.length).map((method) => {
      const own = theirs.filter((one) => one.method === method);
      const level = own.every((one) => !one.labels);
      const x = level ? [counts[0], counts[counts.length - 1]] : own.map((one) => one.labels);
      return doabench.curve({ x, y: level ? [own[0].mae_deg, own[0].mae_deg] : own.map((one) => one.mae_deg), name: `${method}, paper`, method, source: "paper" });
    });
    Plotly.react("sweep", [...traces, ...dashed], doabench.layout({
      xaxis: doabench.axis(counts.length ? { type: "log", title: { text: "labels J" }, tickvals: counts, ticktext: counts.map(String) } : { type: "category" }),
      yaxis: doabench.axis({ title: { text: "MAE, deg" }, rangemode: "tozero" }), legend: doabench.below,
    }), doabench.plotOptions);
  };

  /* What an error costs: training once, or every answer. Methods that train nothing have no training to show. */
  const costs = (there) => {
    const declared = ["fit_s", "predict_us_per_sequence"].map((name) => data.numbers.columns.find((one) => one.name === name));
    const price = declared.some((one) => one.name === chosen("cost")) ? chosen("cost") : declared[0].name;
    options(select("cost"), declared.map((one) => one.name), price, (name) => declared.find((one) => one.name === name).heading);
    const priced = there.filter((row) => row.values[price] !== undefined);
    const traces = priced.map((row) => doabench.curve(
      { x: [row.values[price]], y: [error(row)], name: wrapped(row.name), method: row.method, source: row.form === "published" ? "published" : "ours" },
      { mode: "markers", hovertemplate: "%{x:.3g}, %{y:.2f}°<extra>" + doabench.plain(row.name) + "</extra>" }));
    Plotly.react("costs", traces, doabench.layout({
      xaxis: doabench.axis({ type: "log", title: { text: declared.find((one) => one.name === price).heading } }),
      yaxis: doabench.axis({ title: { text: "MAE, deg" }, rangemode: "tozero" }), legend: doabench.below, showlegend: true,
    }), doabench.plotOptions);
  };

  root.addEventListener("change", (event) => {
    if (!event.target.name) return;
    choose(event.target.name, event.target.value);
    draw();
  });
  listeners.push(draw);
  doabench.redraw.push(draw);
  draw();
})();
