// Shows the rows of the page, and filters them. Texts are only ever set as text.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const get = (id) => document.getElementById(id);
  const [search, state, reason, passages] = ["search", "state", "reason", "passages"].map(get);
  const boxes = [...get("languages").querySelectorAll("input")];
  const list = get("list"), more = get("more"), count = get("count");
  const CELLS = 120; // languages times questions that are added at a time
  let found = [], shown = 0;

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = (question, code) => {
    const row = question.rows[code];
    row.folded ??= fold([row.q, row.a, row.p === null ? "" : data.passages[row.p]].join("\n"));
    return row.folded;
  };
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const isIn = (question, codes, wanted) =>
    codes.some((code) => question.rows[code] && wanted(question.rows[code]));

  const fits = (question, codes, words) => {
    if (!codes.some((code) => question.rows[code])) return false;
    const wanted = state.value;
    if (wanted === "kept" && isIn(question, codes, (row) => row.state !== "kept")) return false;
    if (wanted === "rejected" || wanted === "leaked") {
      if (!isIn(question, codes, (row) => row.state === wanted)) return false;
    }
    const place = data.reasons.indexOf(reason.value);
    if (place >= 0 && !isIn(question, codes, (row) => row.why.some((one) => one[0] === place))) {
      return false;
    }
    return words.every(
      (word) =>
        fold(question.id).includes(word) ||
        codes.some((code) => question.rows[code] && texts(question, code).includes(word)),
    );
  };

  const text = (language, className, words) => {
    const made = element("p", `text ${className}`, words);
    made.dir = language.direction;
    made.lang = language.tag;
    return made;
  };

  const passage = (language, row) => {
    const whole = data.passages[row.p];
    const box = element("details");
    box.open = passages.checked;
    box.append(element("summary", "", "Passage"));
    const made = text(language, "", row.s ? whole.slice(0, row.s[0]) : whole);
    if (row.s) {
      made.append(element("mark", "", whole.slice(row.s[0], row.s[1])), whole.slice(row.s[1]));
    }
    box.append(made);
    return box;
  };

  const cell = (language, row, translated) => {
    const made = element("div", `row ${row.state}`);
    const head = element("h4", "", language.name);
    if (row.original && translated) head.append(element("span", "badge", "original"));
    if (row.state !== "kept") head.append(element("span", `badge ${row.state}`, row.state));
    made.append(head);
    if (row.q !== null) made.append(text(language, "ask", row.q));
    if (row.a !== null) made.append(text(language, "answer", row.a));
    if (row.why.length || row.flags.length) {
      const why = element("ul", "why");
      for (const [, words] of row.why) why.append(element("li", "", words));
      for (const flag of row.flags) why.append(element("li", "", `flagged: ${flag.replace(":", " ")}`));
      made.append(why);
    }
    if (row.p !== null) made.append(passage(language, row));
    return made;
  };

  const card = (question, codes) => {
    const made = element("article", "question");
    const head = element("h3");
    head.append(element("bdi", "", question.id));
    if (question.title) head.append(element("bdi", "", question.title));
    const columns = element("div", `columns${codes.length > 4 ? " many" : ""}`);
    const translated = Object.values(question.rows).some((row) => !row.original);
    for (const language of data.languages) {
      const row = codes.includes(language.code) && question.rows[language.code];
      if (row) columns.append(cell(language, row, translated));
    }
    made.append(head, columns);
    return made;
  };

  const add = () => {
    const codes = chosen();
    const next = shown + Math.max(1, Math.floor(CELLS / Math.max(1, codes.length)));
    list.append(...found.slice(shown, next).map((question) => card(question, codes)));
    shown = Math.min(next, found.length);
    more.hidden = shown === found.length;
  };

  const update = () => {
    const codes = chosen();
    const words = fold(search.value).split(/\s+/).filter(Boolean);
    found = data.questions.filter((question) => fits(question, codes, words));
    shown = 0;
    list.replaceChildren();
    add();
    const all = data.questions.length;
    count.textContent = found.length
      ? `${found.length.toLocaleString("en")} of ${all.toLocaleString("en")} questions`
      : codes.length
        ? "No question matches. Try fewer words, or another reason."
        : "Choose a language.";
  };

  const uses = new Map();
  for (const question of data.questions) {
    const mine = new Set(Object.values(question.rows).flatMap((row) => row.why.map((one) => one[0])));
    for (const place of mine) uses.set(place, (uses.get(place) ?? 0) + 1);
  }
  data.reasons.forEach((name, place) => {
    const option = element("option", "", `${name} (${uses.get(place) ?? 0})`);
    option.value = name;
    reason.append(option);
  });

  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  for (const one of [state, reason, get("languages")]) one.addEventListener("change", update);
  passages.addEventListener("change", () => {
    for (const box of list.querySelectorAll("details")) box.open = passages.checked;
  });
  const check = (checked) => () => {
    for (const box of boxes) box.checked = checked;
    update();
  };
  get("every").addEventListener("click", check(true));
  get("none").addEventListener("click", check(false));
  get("filters").addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", add);
  for (const button of document.querySelectorAll("[data-reason]")) {
    button.disabled = !data.reasons.includes(button.dataset.reason);
    button.addEventListener("click", () => {
      search.value = "";
      state.value = "";
      reason.value = button.dataset.reason;
      check(true)();
      get("rows").scrollIntoView();
      reason.focus({ preventScroll: true });
    });
  }
  update();
})();
