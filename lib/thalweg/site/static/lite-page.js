// In JupyterLite's page: when Python does not come, a line at the foot of the page says so. JupyterLite itself shows a red cross.
"use strict";
{
  function say({ reason, host }) {
    if (document.querySelector(".tw-without")) return;
    const line = Object.assign(document.createElement("div"), { className: "tw-without" });
    line.setAttribute("role", "alert");
    line.style = "position: fixed; inset: auto 0 0 0; z-index: 10000; padding: 0.8rem 1.2rem; font: 16px/1.5 sans-serif; " +
      "background: #fff3e0; color: #1b1b1d; border-top: 3px solid #d55e00; display: flex; gap: 1rem; align-items: center;";
    const words = document.createElement("span");
    words.textContent =
      `Python could not be loaded (${reason}). It comes from ${host}, once: is there a network? ` +
      "Nothing that you typed is lost; this browser keeps the notebook. When you are online, choose Kernel > Restart Kernel. " +
      "To go on without a network, choose File > Download, and open the notebook in Jupyter on your machine.";
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close", onclick: () => line.remove() });
    line.append(words, close);
    document.body.append(line);
  }

  self.Worker = class extends Worker {  // the kernel's: it hears what lite.js says
    constructor(...options) {
      super(...options);
      this.addEventListener("message", ({ data }) => { if (data?.thalweg) say(data.thalweg); });
    }
  };
}
