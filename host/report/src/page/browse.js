"use strict";
// The table of tasks. Everything in the data blocks is text: it reaches the page through textContent only.
(() => {
  const PAGE = 50, SAMPLES = 40;
  const $ = (id) => document.getElementById(id);
  const blocks = (kind) => [...document.querySelectorAll(`script[data-block="${kind}"]`)];
  const WORDS = { right: "✓ right", shared: "= tied", wrong: "✗ wrong", failed: "! no reward", unfinished: "… unfinished", unlabelled: "no label" };
  const TOKENS = "Read and written for all samples of the task in one run; of several runs, the one that has most";
  const RANK = { wrong: 0, failed: 1, unfinished: 2, shared: 3, right: 4, unlabelled: 5 };
  // The same characters as src/escape.rs shows: invisible ones, and those that reorder text.
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu;

  /** An element with a class and children; a string child becomes text. */
  function make(tag, name, ...children) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  /** Text with hidden characters shown by their code points. */
  function visible(text) {
    const out = document.createDocumentFragment();
    const clean = String(text).replace(/\r\n/g, "\n");
    let from = 0;
    for (const match of clean.matchAll(HIDDEN)) {
      out.append(clean.slice(from, match.index));
      const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      out.append(make("span", "control", `U+${code}`));
      from = match.index + match[0].length;
    }
    out.append(clean.slice(from));
    return out;
  }

  function isolated(text) {
    const element = make("bdi", "", visible(text));
    element.dir = "auto";
    return element;
  }

  function block(label, text, preferred, raw) {
    const body = make("pre", raw ? "text raw" : "text", visible(text));
    body.dir = "auto";
    if (text.length > 1500) body.tabIndex = 0; // It may scroll, also by keyboard.
    return make("div", preferred ? "said preferred" : "said", make("span", preferred ? "label preferred" : "label", label), body);
  }

  const number = (value, digits = 2) => (value === null || value === undefined ? "–" : String(Number(value.toFixed(digits))));
  const scores = (list) => (list ? list.map((score) => number(score)).join(" / ") : "none");

  // What the table, its filters and its order need of a task; the rest stays in its block until the task is opened.
  const rows = [];
  const runs = JSON.parse(blocks("runs")[0].textContent);
  const sources = blocks("tasks");
  sources.forEach((source, place) => {
    JSON.parse(source.textContent).forEach((task, within) => {
      const said = task.conversation.map((message) => message.content);
      const fields = Object.entries(task.fields).map(([name, value]) => `${name}: ${value}`);
      const row = {
        place, within, at: rows.length, id: task.id, excerpt: (said[said.length - 1] || "").slice(0, 200),
        text: [task.id, ...fields, ...said, ...task.responses, task.reference || ""].join("\n").toLowerCase(),
        runs: new Map(), tokens: null,
      };
      task.runs.forEach((run, index) => {
        if (!runs.includes(run.run)) runs.push(run.run);
        const given = (run.scores || []).filter((score) => score !== null).sort((a, b) => b - a);
        row.runs.set(run.run, {
          verdict: task.verdicts[index], tied: run.tied.length > 0, scores: run.scores, best: run.best,
          margin: given.length > 1 ? given[0] - given[1] : 0,
          invalid: run.samples.some((sample) => sample.failure !== null || sample.scores === null),
        });
        // Not added up over the runs: a replay has the same samples as the run that it replays.
        const tokens = run.samples.map((sample) => sample.tokens).filter((one) => one !== null);
        if (tokens.length > 0) row.tokens = Math.max(row.tokens || 0, tokens.reduce((sum, one) => sum + one, 0));
      });
      rows.push(row);
    });
  });

  const state = { page: 0, sort: "order", down: false, shown: rows };
  const columns = [
    { key: "order", name: "Task", value: (row) => row.at },
    ...runs.map((run, index) => ({
      key: `run ${index}`, name: run, run,
      value: (row) => { const of = row.runs.get(run); return of ? RANK[of.verdict] * 1e9 - Math.min(of.margin, 1e8) : Infinity; },
    })),
    { key: "tokens", name: "Tokens", title: TOKENS, value: (row) => (row.tokens === null ? -1 : row.tokens) },
  ];

  function matches(row, words, verdict, run) {
    if (!words.every((word) => row.text.includes(word))) return false;
    const of = run === "" ? [...row.runs.values()] : [row.runs.get(runs[Number(run)])].filter(Boolean);
    if (run !== "" && of.length === 0) return false;
    switch (verdict) {
      case "": return true;
      case "tied": return of.some((one) => one.tied);
      case "invalid": return of.some((one) => one.invalid);
      case "disagree": {
        const ended = [...row.runs.values()].filter((one) => one.verdict !== "unfinished");
        const winners = new Set(ended.map((one) => (one.verdict === "failed" ? "none" : one.tied ? "tie" : one.best)));
        return winners.size > 1;
      }
      default: return of.some((one) => one.verdict === verdict);
    }
  }

  function update() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = $("verdict").value, run = $("run").value;
    const by = columns.find((column) => column.key === state.sort).value;
    const sign = state.down ? -1 : 1;
    state.shown = rows.filter((row) => matches(row, words, verdict, run))
      .map((row) => [by(row), row])
      .sort((a, b) => (a[0] === b[0] ? a[1].at - b[1].at : a[0] < b[0] ? -sign : sign))
      .map((pair) => pair[1]);
    state.page = 0;
    show();
  }

  function show() {
    const pages = Math.max(1, Math.ceil(state.shown.length / PAGE));
    const first = state.page * PAGE;
    const body = document.querySelector("#list tbody");
    body.replaceChildren(...state.shown.slice(first, first + PAGE).map(line));
    if (state.shown.length === 0) {
      const cell = make("td", "none", "No task matches the filters.");
      cell.colSpan = columns.length;
      body.append(make("tr", "", cell));
    }
    document.querySelectorAll("#list thead th").forEach((head, index) => {
      if (columns[index].key === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const last = Math.min(first + PAGE, state.shown.length);
    $("where").textContent = `${last ? first + 1 : 0}–${last} of ${state.shown.length} tasks, page ${state.page + 1} of ${pages}`;
    $("previous").disabled = state.page === 0;
    $("next").disabled = state.page + 1 >= pages;
  }

  function line(row) {
    const open = make("button", "open-task", isolated(row.id));
    open.type = "button";
    open.setAttribute("aria-expanded", "false");
    const excerpt = make("span", "excerpt", visible(row.excerpt.replace(/\s+/g, " ")));
    excerpt.dir = "auto";
    const cells = [make("td", "task", open, excerpt)];
    for (const run of runs) {
      const of = row.runs.get(run);
      const cell = of
        ? make("td", "", make("span", `verdict ${of.verdict}`, WORDS[of.verdict]), make("span", "numbers", scores(of.scores)))
        : make("td", "none", "–");
      cell.dataset.head = run;
      cells.push(cell);
    }
    const tokens = make("td", "", number(row.tokens, 0));
    tokens.dataset.head = "Tokens";
    const element = make("tr", "", ...cells, tokens);
    open.addEventListener("click", () => {
      const opened = open.getAttribute("aria-expanded") === "true";
      open.setAttribute("aria-expanded", String(!opened));
      if (opened) { element.nextElementSibling.remove(); return; }
      const cell = make("td", "detail", ...detail(JSON.parse(sources[row.place].textContent)[row.within]));
      cell.colSpan = columns.length;
      element.after(make("tr", "", cell));
    });
    return element;
  }

  function detail(task) {
    const out = [];
    const fields = Object.entries(task.fields);
    if (fields.length > 0) {
      out.push(make("dl", "fields", ...fields.flatMap(([name, value]) => [make("dt", "", isolated(name)), make("dd", "", isolated(value))])));
    }
    out.push(make("h4", "", "Conversation"));
    for (const message of task.conversation) out.push(block(isolated(message.role), message.content, false, false));
    if (task.reference !== null) out.push(make("h4", "", "Reference"), block("reference answer", task.reference, false, false));
    out.push(make("h4", "", "Responses"));
    task.responses.forEach((response, index) => {
      const preferred = index === task.preferred;
      const given = task.runs.filter((run) => run.scores)
        .map((run) => make("span", "given", isolated(run.run), " ", make("b", "", number(run.scores[index]))));
      const label = make("span", "", `Response ${index}${preferred ? " (preferred)" : ""}`, ...given);
      out.push(block(label, response, preferred, false));
    });
    task.runs.forEach((run, index) => out.push(...runDetail(run, task.verdicts[index])));
    return out;
  }

  function runDetail(run, verdict) {
    const out = [make("h4", "", isolated(run.run), ": ", make("span", `verdict ${verdict}`, WORDS[verdict]))];
    if (run.error !== null) out.push(make("div", "failure", visible(run.error)));
    const won = run.tied.length > 0 ? `tied at the top: ${run.tied.join(", ")}` : run.best !== null ? `best: ${run.best}` : "no winner";
    if (run.scores) out.push(make("div", "", `Final scores ${scores(run.scores)}, ${won}`));
    if (run.confidence !== null) out.push(make("div", "", `Confidence ${number(run.confidence, 3)}`));
    if (run.principles.length > 0) out.push(...principles("Judged under", run.principles));
    if (run.criteria.length > 0) out.push(criteria(run.criteria));
    if (run.samples.length === 0) out.push(make("div", "none", "No samples."));
    const list = make("div", "");
    let next = 0;
    const more = make("button", "");
    more.type = "button";
    const add = () => {
      list.append(...run.samples.slice(next, next + SAMPLES).map(sampleDetail));
      next += SAMPLES;
      more.hidden = next >= run.samples.length;
      more.textContent = `Show more samples (${run.samples.length - next} left)`;
    };
    more.addEventListener("click", add);
    add();
    out.push(list, more);
    return out;
  }

  /** Scores by criterion: a row a criterion, a column a response. */
  function criteria(list) {
    const names = [...new Set(list.map((entry) => entry.criterion))];
    const places = [...new Set(list.map((entry) => entry.response))].sort((a, b) => a - b);
    const of = (name, place) => list.find((entry) => entry.criterion === name && entry.response === place);
    const cell = (entry) => make("td", entry === undefined ? "none" : "", entry === undefined ? "–" : entry.score === null ? "n/a" : number(entry.score, 3));
    const lines = names.map((name) => make("tr", "", make("th", "", isolated(name)), ...places.map((place) => cell(of(name, place)))));
    const heads = ["Criterion", ...places.map((place) => `Response ${place}`)].map((head) => make("th", "", head));
    return make("div", "scroll", make("table", "criteria", make("thead", "", make("tr", "", ...heads)), make("tbody", "", ...lines)));
  }

  function principles(title, list) {
    const lines = list.map((principle) =>
      make("tr", "", make("th", "", isolated(principle.name)), make("td", "", number(principle.weight, 3)), make("td", "", isolated(principle.text))));
    const heads = [title, "Weight", "What it says"].map((head) => make("th", "", head));
    return [make("div", "scroll", make("table", "principles", make("thead", "", make("tr", "", ...heads)), make("tbody", "", ...lines)))];
  }

  function sampleDetail(sample) {
    const facts = [`Sample ${sample.id}`, `shown as ${sample.order.join(", ")}`];
    if (sample.judge !== null) facts.splice(1, 0, `judge ${sample.judge}`);
    if (sample.scores) facts.push(`scores ${scores(sample.scores)}`);
    if (sample.confidence !== null) facts.push(`confidence ${number(sample.confidence, 3)}`);
    if (sample.rating !== null) facts.push(`rated ${number(sample.rating, 3)}`);
    if (sample.tokens !== null) facts.push(`${sample.tokens} tokens`);
    if (sample.seconds !== null) facts.push(`${number(sample.seconds)} s`);
    const failure = sample.failure === null ? null : make("span", "failure", " · ", visible(sample.failure));
    const element = make("details", "sample", make("summary", "", facts.join(" · "), failure));
    // Built when it is opened: a task may have hundreds of long samples.
    element.addEventListener("toggle", () => {
      if (element.open && element.children.length === 1) element.append(make("div", "", ...sampleBody(sample)));
    });
    return element;
  }

  function sampleBody(sample) {
    const out = [];
    if (sample.principles.length > 0) out.push(...principles("Principle", sample.principles));
    if (sample.criteria.length > 0) out.push(criteria(sample.criteria));
    if (sample.critique !== null) out.push(block("Critique", sample.critique, false, false));
    if (sample.thinking !== null) out.push(block("Thinking", sample.thinking, false, true));
    if (sample.text !== null) out.push(block("Full text", sample.text, false, true));
    if (out.length === 0) out.push(make("div", "none", "Nothing was recorded of this sample's text."));
    return out;
  }

  const head = document.querySelector("#list thead tr");
  for (const column of columns) {
    const button = make("button", "", column.run === undefined ? column.name : isolated(column.name));
    button.type = "button";
    if (column.title !== undefined) button.title = column.title;
    button.addEventListener("click", () => {
      state.down = state.sort === column.key ? !state.down : column.key === "tokens";
      state.sort = column.key;
      update();
    });
    const cell = make("th", column.key === "order" ? "task" : "", button);
    cell.scope = "col";
    head.append(cell);
  }
  runs.forEach((run, index) => {
    const option = make("option", "", run);
    option.value = String(index);
    $("run").append(option);
  });
  let typing;
  $("search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(update, 150); });
  $("verdict").addEventListener("change", update);
  $("run").addEventListener("change", update);
  $("filters").addEventListener("submit", (event) => { event.preventDefault(); update(); });
  const turn = (by) => { state.page += by; show(); $("tasks").scrollIntoView(); };
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));

  const end = blocks("end").map((source) => JSON.parse(source.textContent))[0];
  const whole = end !== undefined && end.tasks === rows.length;
  const omitted = end && end.omitted > 0 ? ` ${end.omitted} more tasks of the runs are not on this page.` : "";
  $("status").textContent = !whole
    ? `This page is damaged: it holds ${rows.length} tasks of ${end ? end.tasks : "an unknown number"}.`
    : rows.length === 0 ? `No tasks were written to this page.${omitted}` : `${rows.length} tasks.${omitted}`;
  for (const run of runs) {
    const count = rows.filter((row) => row.runs.has(run) && row.runs.get(run).verdict === "unfinished").length;
    if (count === 0) continue;
    const are = count === 1 ? "1 of them is unfinished in " : `${count} of them are unfinished in `;
    $("status").append(" ", are, isolated(run), " and in none of its figures.");
  }
  if (rows.length > 0) {
    for (const id of ["filters", "listing", "pager"]) $(id).hidden = false;
    show();
  }
  document.body.dataset.ready = "true";
  document.body.dataset.tasks = String(rows.length);
})();
