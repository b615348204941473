// Runs before the first paint: the saved theme, else the system's.
(function () {
  var saved = null;
  try {
    saved = localStorage.getItem("theme");
  } catch (e) {
    // Storage may be switched off.
  }
  var dark = saved ? saved === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
