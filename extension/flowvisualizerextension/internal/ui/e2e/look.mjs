// What a look at the page finds. These run in the page.

/** Nodes and labels of the map that lie over each other, and boxes that do. */
export function covered() {
  const found = [];
  for (const kind of [".node, .elab", ".ns"]) {
    const all = [...document.querySelectorAll(kind)].map((e) => ({ e, r: e.getBoundingClientRect() }));
    all.forEach(({ e, r }, i) => {
      for (const { e: o, r: s } of all.slice(i + 1)) {
        const over = r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 1 && s.top < r.bottom - 1;
        if (over) found.push(`${e.textContent} and ${o.textContent}`);
      }
    });
  }
  return found;
}

/** Texts whose colour is less than 4.5 : 1 against what lies behind them. */
export function lowContrast() {
  const parse = (c) => (c.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (let n = e; n; n = n.parentElement) {
      const c = parse(getComputedStyle(n).backgroundColor);
      if (c.length >= 3 && (c[3] ?? 1) > 0.9) return c;
    }
    return [255, 255, 255];
  };
  const bad = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !e.getClientRects().length || e.closest("button:disabled, script, style")) continue;
    const svg = e.closest("svg");
    const style = getComputedStyle(e);
    if (style.visibility === "hidden") continue;
    const [a, b] = [luminance(parse(svg ? style.fill : style.color)), luminance(ground(svg ?? e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.add(`${e.tagName}.${e.className.baseVal ?? e.className}: ${walker.currentNode.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return [...bad];
}
