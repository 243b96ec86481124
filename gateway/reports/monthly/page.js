// What a bar or point tells to a screen reader, it tells to a mouse as well.
const tip = document.getElementById("tip");
const tell = (event) => {
  const told = event.target.closest?.("svg [aria-label][role='graphics-symbol'], [data-tip]");
  const text = told && (told.dataset.tip || told.getAttribute("aria-label"));
  tip.style.opacity = text ? 1 : 0;
  if (!text) return;
  tip.textContent = text;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const above = event.clientY - tip.offsetHeight - 12;
  tip.style.left = `${left}px`;
  tip.style.top = `${above < 4 ? event.clientY + 18 : above}px`;
};
for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, tell);
