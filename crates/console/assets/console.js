// What the review page does with keys and focus. Without it the page still works: every button is a form's.
"use strict";
(() => {
  const form = document.getElementById("decide");
  if (!form) return;
  const sheets = document.querySelector(".sheets");
  const pages = [...document.querySelectorAll(".sheet")];
  const fields = [...form.querySelectorAll(".field")];
  const input = (field) => field.querySelector("input:not([type=hidden]), textarea");

  const show = (number) => {
    if (!pages.some((page) => page.dataset.page === String(number))) return;
    pages.forEach((page) => (page.hidden = page.dataset.page !== String(number)));
  };
  const shown = () => pages.findIndex((page) => !page.hidden);

  // The field that has the focus: its page, its mark, its picture.
  const look = (field) => {
    document.querySelectorAll("rect.mark.now").forEach((mark) => mark.classList.remove("now"));
    form.querySelectorAll(".crop").forEach((crop) => (crop.hidden = !field.contains(crop)));
    const crop = field.querySelector(".crop");
    if (crop && !crop.src) crop.src = crop.dataset.src;
    show(field.dataset.page);
    const mark = [...document.querySelectorAll("rect.mark")].find((mark) => mark.dataset.field === field.dataset.field);
    if (!mark) return;
    mark.classList.add("now");
    const [at, room] = [mark.getBoundingClientRect(), sheets.getBoundingClientRect()];
    if (at.top < room.top || at.bottom > room.bottom) sheets.scrollTop += at.top - room.top - room.height / 3;
  };
  fields.forEach((field) => {
    field.addEventListener("focusin", () => look(field));
    input(field).addEventListener("input", () => {
      const was = form.elements["was." + field.dataset.field].value;
      field.classList.toggle("changed", input(field).value !== was);
    });
  });
  form.querySelectorAll(".take").forEach((button) => {
    button.addEventListener("click", () => {
      const field = button.closest(".field");
      input(field).value = button.dataset.value;
      input(field).dispatchEvent(new Event("input"));
      input(field).focus();
    });
  });

  const step = (by) => {
    const at = fields.findIndex((field) => field.contains(document.activeElement));
    const next = fields[Math.min(Math.max(at + by, 0), fields.length - 1)];
    input(next).focus();
    input(next).select();
  };
  const accept = form.querySelector("button[value=accept]");
  let sent = false;
  form.addEventListener("submit", (event) => {
    // Enter held down must not decide on the next paper too.
    if (sent) event.preventDefault();
    sent = true;
  });
  document.addEventListener("keydown", (event) => {
    // A word that is still being composed (Telex, VNI) is ended by Enter, not the paper.
    if (event.isComposing) return;
    if (event.repeat && event.key === "Enter") return event.preventDefault();
    const typing = event.target.closest("#refuse");
    switch (event.key) {
      case "Enter":
        // The note has a form of its own: Enter in it sends the paper back.
        if (typing || event.target.closest("button, a, summary")) return;
        event.preventDefault();
        form.requestSubmit(accept);
        break;
      case "Escape":
        location.assign(form.querySelector("a.button").href);
        break;
      case "F8":
        event.preventDefault();
        document.getElementById("refuse")?.setAttribute("open", "");
        document.getElementById("note")?.focus();
        break;
      case "F2":
        event.preventDefault();
        sheets.classList.toggle("close");
        break;
      case "PageDown":
      case "PageUp":
        event.preventDefault();
        show(pages[Math.min(Math.max(shown() + (event.key === "PageDown" ? 1 : -1), 0), pages.length - 1)].dataset.page);
        break;
      case "ArrowDown":
      case "ArrowUp":
        event.preventDefault();
        step(event.key === "ArrowDown" ? 1 : -1);
        break;
    }
  });
  const first = fields.find((field) => field.classList.contains("doubt")) ?? fields[0];
  if (first) {
    input(first).focus();
    input(first).select?.();
  }
})();
