"use strict";
const doabench = {};
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const methodColour = (method) => data.marks[method][dark.matches ? "on_dark" : "colour"];
  /* Plotly reads a little markup in its texts: names hold none but line breaks. */
  const plain = (name) => name.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/\n/g, "<br>");
  const narrow = () => innerWidth < 700;

  /* Tables: a click on a header sorts by it, a second one the other way; empty cells stay last. */
  const value = (row, column) => row.cells[column].dataset.value;
  const compare = (a, b) => {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  };
  document.querySelectorAll("table.sortable").forEach((table) => {
    table.tHead.addEventListener("click", (event) => {
      const head = event.target.closest("th");
      if (!head) return;
      const down = head.getAttribute("aria-sort") === "ascending";
      const column = head.cellIndex;
      const rows = [...table.tBodies[0].rows].sort((first, second) => {
        const a = value(first, column), b = value(second, column);
        return a === undefined || b === undefined || !down ? compare(a, b) : compare(b, a);
      });
      table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.tBodies[0].append(...rows);
    });
  });

  const axis = (more) => ({
    gridcolor: colour("line"), linecolor: colour("line"), zeroline: false, tickcolor: colour("line"), automargin: true, ...more,
  });
  const layout = (more) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("soft") },
    margin: { l: 52, r: 8, t: 8, b: 44 }, hovermode: "closest",
    hoverlabel: { bgcolor: colour("sheet"), bordercolor: colour("line"), font: { color: colour("ink") } },
    ...more,
  });
  const below = { orientation: "h", yref: "container", y: 0, yanchor: "bottom", font: { size: 11 } };
  const dash = { ours: "solid", published: "dot", paper: "dash" };
  const curve = (one, more) => {
    const shade = methodColour(one.method);
    return {
      x: one.x, y: one.y, name: plain(one.name), type: "scatter", opacity: one.source === "paper" ? 0.7 : 1,
      mode: one.source === "paper" ? "lines" : "lines+markers",
      line: { color: shade, dash: dash[one.source], width: one.source === "paper" ? 1.4 : 2 },
      marker: { size: 8, symbol: data.marks[one.method].symbol, color: one.source === "published" ? colour("paper") : shade, line: { color: shade, width: 1.5 } },
      ...more,
    };
  };

  const labels = (series) => {
    const counts = [...new Set(series.filter((one) => !one.flat).flatMap((one) => one.x))].sort((a, b) => a - b);
    const ends = [counts[0], counts[counts.length - 1]];
    const traces = series.map((one) => {
      const hover = (template) => ({ hovertemplate: template + "<extra>" + plain(one.name) + "</extra>" });
      if (one.flat) return curve({ ...one, x: ends, y: [one.y[0], one.y[0]] }, { mode: "lines", ...hover("%{y:.2f}°") });
      const known = one.lo.some((low) => low !== null);
      const bars = known && {
        error_y: { type: "data", symmetric: false, thickness: 1, width: 0,
          array: one.hi.map((high, i) => (high === null ? 0 : high - one.y[i])),
          arrayminus: one.lo.map((low, i) => (low === null ? 0 : one.y[i] - low)) },
      };
      return curve(one, { ...hover("J = %{x}: %{y:.2f}°"), ...bars });
    });
    return [traces, layout({
      xaxis: axis({ type: counts.includes(0) ? "category" : "log", title: { text: "labels J" }, tickvals: counts, ticktext: counts.map(String) }),
      yaxis: axis({ title: { text: "MAE, deg" }, rangemode: "tozero" }),
      legend: narrow() ? below : { x: 1.02, y: 1, tracegroupgap: 0 },
    })];
  };
  const doa = (series) => [
    series.map((one) => curve(one, { hovertemplate: "true %{x}°: off by %{y:.2f}°<extra>" + plain(one.name) + "</extra>" })),
    layout({
      xaxis: axis({ title: { text: "true direction, deg" }, tickvals: series[0].x.length < 8 ? series[0].x : undefined,
        dtick: series[0].x.length < 8 ? undefined : 30 }),
      yaxis: axis({ title: { text: "error, deg" }, rangemode: "tozero" }),
      legend: below,
    }),
  ];
  const selected = (figure, name) => Number(figure.querySelector(`select[name="${name}"]`)?.value ?? 0);
  const confusion = (matrices, figure) => {
    const one = matrices[selected(figure, "matrix")];
    const share = one.counts.map((row) => row.map((n) => (100 * n) / Math.max(1, row.reduce((a, b) => a + b, 0))));
    const ticks = (angles) => (angles.length < 8 ? angles : angles.filter((angle) => angle % 30 === 0)).map(String);
    return [
      [{
        type: "heatmap", z: share, x: one.estimated_deg.map(String), y: one.true_deg.map(String), customdata: one.counts,
        zmin: 0, zmax: 100, colorscale: [[0, colour("sheet")], [0.02, colour("accent-tint")], [1, colour("accent")]],
        xgap: 1, ygap: 1, colorbar: { thickness: 10, outlinewidth: 0, ticksuffix: " %" },
        hovertemplate: "true %{y}°, estimated %{x}°<br>%{z:.1f} % (%{customdata})<extra></extra>",
      }],
      layout({
        xaxis: axis({ type: "category", title: { text: "estimated, deg" }, tickvals: ticks(one.estimated_deg), showgrid: false }),
        yaxis: axis({ type: "category", title: { text: "true, deg" }, tickvals: ticks(one.true_deg), showgrid: false }),
      }),
    ];
  };

  const calibration = (series) => [
    [{ x: [0, 100], y: [0, 100], mode: "lines", line: { color: colour("line"), width: 2 }, hoverinfo: "skip", showlegend: false },
      ...series.map((one) => curve(one, { hovertemplate: "says %{x:.0f} %: right in %{y:.0f} %<extra>" + plain(one.name) + "</extra>" }))],
    layout({
      xaxis: axis({ title: { text: "probability that it gives, %" }, range: [0, 102] }),
      yaxis: axis({ title: { text: "right, %" }, range: [0, 102] }), legend: below,
    }),
  ];
  const kept = (series) => [
    series.map((one) => curve(one, { mode: "lines", hovertemplate: "surest %{x} %: %{y:.2f}°<extra>" + plain(one.name) + "</extra>" })),
    layout({
      xaxis: axis({ title: { text: "sequences kept, %" }, range: [0, 102] }),
      yaxis: axis({ title: { text: "MAE, deg" }, rangemode: "tozero" }), legend: below,
    }),
  ];

  /* The room from above, to scale: metres from the array, whose first microphone is on the left. */
  const METRES_PER_DEG = 0.05;
  const plan = (views, figure) => {
    const { walls_m: walls, talkers_m: talkers, spots } = views[selected(figure, "view")];
    const one = spots[selected(figure, "spots")];
    const shade = methodColour(one.method);
    const circle = ([x, y], error) => {
      const radius = Math.max(0.02, error * METRES_PER_DEG);
      return { type: "circle", x0: x - radius, x1: x + radius, y0: y - radius, y1: y + radius, line: { color: shade, width: 1 }, fillcolor: shade, opacity: 0.45 };
    };
    const outline = walls.length ? [{ type: "path", path: `M${walls.map((corner) => corner.join(",")).join("L")}Z`, line: { color: colour("soft"), width: 1.5 } }] : [];
    const heard = talkers.map((at, i) => [at, one.mae_deg[i]]).filter(([, error]) => error !== null);
    const trace = (points, more) => ({ x: points.map((at) => at[0]), y: points.map((at) => at[1]), type: "scatter", mode: "markers", showlegend: false, ...more });
    return [
      [trace(heard.map(([at]) => at), { marker: { size: 4, color: shade }, text: heard.map(([, error]) => error.toFixed(2) + "°"), hovertemplate: "%{text} at (%{x} m, %{y} m)<extra>" + plain(one.name) + "</extra>" }),
        trace([[-0.06, 0], [0.06, 0]], { marker: { size: 6, symbol: "square", color: colour("ink") }, hovertemplate: "the array<extra></extra>" }),
        trace(walls, { marker: { size: 1, opacity: 0 }, hoverinfo: "skip" })],
      layout({
        shapes: [...outline, ...heard.map(([at, error]) => circle(at, error))],
        xaxis: axis({ title: { text: "m, toward microphone 2" } }),
        yaxis: axis({ title: { text: "m, ahead" }, scaleanchor: "x" }),
      }),
    ];
  };

  const makers = { labels, doa, confusion, calibration, kept, plan };
  const options = { responsive: true, displayModeBar: false, doubleClick: "reset" };
  const drawn = new Set();
  const render = (plot) => {
    drawn.add(plot);
    const { table, plot: kind } = plot.dataset;
    const [traces, look] = makers[kind](data.plots[table][kind], plot.closest("figure"));
    Plotly.react(plot, traces, look, options);
  };

  /* Plots are drawn when they come near the window, and again when the colours of the page change. */
  const plots = [...document.querySelectorAll(".plot")];
  const near = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    near.unobserve(entry.target);
    render(entry.target);
  }), { rootMargin: "400px" });
  plots.forEach((plot) => near.observe(plot));
  const redraw = [() => drawn.forEach(render)];
  dark.addEventListener("change", () => redraw.forEach((again) => again()));
  addEventListener("beforeprint", () => plots.forEach(render));
  document.querySelectorAll("select[data-for]").forEach((select) => select.addEventListener("change", () =>
    render(select.closest("figure").querySelector(".plot"))));
  Object.assign(doabench, { data, plain, methodColour, axis, layout, below, curve, redraw, plotOptions: options });
})();
