// The chat stands open in the preview, as if it had been left so: opened by a call it would take the focus away from the editor.
(function () {
  "use strict";
  var key = "sportello-" + document.currentScript.getAttribute("data-key");
  try {
    var kept = JSON.parse(sessionStorage.getItem(key) || "{}");
    kept.open = true;
    sessionStorage.setItem(key, JSON.stringify(kept));
  } catch (_) {
    // Without a memory the button alone is shown.
  }
})();
