"use strict";
// Draws what happens between two speakers on one time axis: lanes for the window that is looked at, and a strip of the whole.

const Lanes = (() => {
  const HEIGHT = 132, WORD_PX_PER_S = 45, LETTER_PX = 6.4;
  const ROWS = { a: { words: [11, 25], bar: 31 }, b: { words: [113, 127], bar: 85 } };
  const BAR = 16, STRIP = 53, STRIP_HEIGHT = 26;

  function make(name, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function draw(svg, talk, from, span, chosen) {
    const width = svg.clientWidth, scale = width / span, until = from + span;
    const x = (time) => (time - from) * scale;
    const seen = (item) => item.end_s >= from && item.start_s <= until;
    const box = (item, y, height, look, more) => make("rect", {
      x: x(item.start_s), y, width: Math.max((item.end_s - item.start_s) * scale, 2), height, class: look, ...more,
    });
    const parts = [hatch(), make("rect", { x: 0, y: STRIP, width, height: STRIP_HEIGHT, class: "strip" })];
    talk.events.forEach((event, place) => {
      if (!seen(event)) return;
      const bar = ROWS[event.speaker].bar, more = { "data-event": place }, mark = place === chosen ? " chosen" : "";
      if (event.kind === "turn") parts.push(box(event, bar, BAR, `turn ${event.speaker}`, {}));
      if (event.kind === "overlap") parts.push(box(event, STRIP, STRIP_HEIGHT, "both" + mark, more));
    });
    for (const side of ["a", "b"]) {
      for (const [start_s, end_s] of talk.activity[side]) {
        if (end_s >= from && start_s <= until) parts.push(box({ start_s, end_s }, ROWS[side].bar, BAR, `heard ${side}`, {}));
      }
    }
    talk.events.forEach((event, place) => {
      if (!seen(event)) return;
      const bar = ROWS[event.speaker].bar, more = { "data-event": place }, mark = place === chosen ? " chosen" : "";
      if (event.kind === "backchannel") parts.push(box(event, bar, BAR, "pill" + mark, { rx: 8, ...more }));
      if (event.kind === "interruption") parts.push(box(event, bar, BAR, "outline" + mark, more));
      if (event.kind === "disfluency") parts.push(box(event, event.speaker === "a" ? bar - 4 : bar + BAR + 1, 3, "underline" + mark, more));
      if (event.kind === "transfer" && scale > 25) {
        parts.push(make("text", {
          x: x((event.start_s + event.end_s) / 2), y: STRIP + 17, "text-anchor": "middle", class: "ms" + mark, ...more,
        }, `${event.fto_ms > 0 ? "+" : event.fto_ms < 0 ? "\u2212" : ""}${Math.abs(event.fto_ms)}`));
      }
    });
    if (scale >= WORD_PX_PER_S) parts.push(...words(talk, from, until, x));
    svg.setAttribute("height", HEIGHT);
    svg.replaceChildren(...parts);
  }

  function words(talk, from, until, x) {
    const parts = [], ends = { a: [-99, -99], b: [-99, -99] };
    for (const word of talk.words) {
      if (word.end_s < from || word.start_s > until) continue;
      const left = x(word.start_s), row = ends[word.speaker][0] <= ends[word.speaker][1] ? 0 : 1;
      if (left < ends[word.speaker][row]) continue;
      ends[word.speaker][row] = left + word.word.length * LETTER_PX + 6;
      const look = word.disfluent ? "word disfluent" : "word";
      parts.push(make("text", { x: left, y: ROWS[word.speaker].words[row], class: look }, word.word));
    }
    return parts;
  }

  function hatch() {
    const pattern = make("pattern", {
      id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    });
    pattern.append(make("rect", { width: 3, height: 6, class: "hatch" }));
    const defs = make("defs", {});
    defs.append(pattern);
    return defs;
  }

  function overview(svg, talk) {
    const parts = [];
    const rect = (start_s, end_s, y, height, look) => parts.push(make("rect", {
      x: start_s, y, width: Math.max(end_s - start_s, talk.duration_s / 1000), height, class: look,
    }));
    for (const [side, y] of [["a", 2], ["b", 20]]) {
      for (const [start_s, end_s] of talk.activity[side]) rect(start_s, end_s, y, 16, `heard ${side}`);
    }
    for (const event of talk.events) if (event.kind === "overlap") rect(event.start_s, event.end_s, 0, 38, "both-pale");
    svg.setAttribute("viewBox", `0 0 ${talk.duration_s} 38`);
    svg.replaceChildren(...parts);
  }

  return { draw, overview };
})();
