(function () {
  var me = document.currentScript || document.querySelector('script[src*="/forms/SLUG/embed.js"]');
  var base = me.src.replace(/\/embed\.js.*$/, "");
  var origin = base.split("/").slice(0, 3).join("/");
  var lang = (me.getAttribute("data-lang") || document.documentElement.lang || "").slice(0, 2);
  var frame = document.createElement("iframe");
  frame.src = base + "?embed=1&page=" + encodeURIComponent(location.href.split("#")[0]) + (lang ? "&lang=" + encodeURIComponent(lang) : "");
  frame.title = me.getAttribute("data-title") || TITLE;
  frame.style.cssText = "display:block;width:100%;height:900px;border:0";
  window.addEventListener("message", function (event) {
    var data = event.data;
    if (event.source !== frame.contentWindow || event.origin !== origin || !data || typeof data.sportello !== "number") return;
    frame.style.height = Math.max(100, Math.min(20000, data.sportello)) + "px";
    if (data.again && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
  });
  function put() {
    var place = document.querySelector('[data-sportello-form="SLUG"]');
    if (place) place.appendChild(frame);
    else if (document.body.contains(me)) me.parentNode.insertBefore(frame, me.nextSibling);
    else document.body.appendChild(frame);
  }
  if (document.readyState === "loading" && !(document.body && document.body.contains(me))) document.addEventListener("DOMContentLoaded", put);
  else put();
})();
