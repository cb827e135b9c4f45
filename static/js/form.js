// The contact form and its receipt. Everything works without this; it only tells the shop's page how tall the form is, the desk
// which time zone the reader is in, and takes the reader to what is wrong. Written for browsers of ten years ago.
(function () {
  "use strict";
  var zone = document.querySelector("input[name=zone]");
  // So that the receipt names times of their own clock.
  var own = (window.Intl && Intl.DateTimeFormat().resolvedOptions().timeZone) || "";
  if (zone && own) zone.value = own;
  // A page that lets choose a time tells times by the shop's clock until it knows the reader's.
  var told = document.body.getAttribute("data-zone");
  if (told && own && told !== own && !/[?&]zone=/.test(location.search) && !document.getElementById("problems")) {
    location.replace(location.pathname + location.search + (location.search ? "&" : "?") + "zone=" + encodeURIComponent(own) + location.hash);
    return;
  }
  var problems = document.getElementById("problems") || (document.body.hasAttribute("data-arrived") && document.getElementById("done"));
  if (window.parent === window) {
    if (problems) problems.focus();
    return;
  }
  var last = 0;
  function tell(again) {
    var height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === last && !again) return;
    last = height;
    // The height of a form is no secret, and the shop's address is not known here.
    window.parent.postMessage({ sportello: height, again: again }, "*");
  }
  tell(!!problems);
  window.addEventListener("resize", function () { tell(false); });
  window.addEventListener("load", function () { tell(false); });
  if (window.ResizeObserver) new ResizeObserver(function () { tell(false); }).observe(document.body);
  if (problems) problems.focus();
})();
