// A press on a button before the page's scripts run would find nobody: it is kept, and made once they do. Nothing moves
// on the page until then, so it is made on what was seen.

{
  let pressed = null;

  const keep = (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    pressed = button;
  };

  document.addEventListener("click", keep, true);
  document.addEventListener("DOMContentLoaded", () => { // the scripts, which are deferred, have run
    document.removeEventListener("click", keep, true);
    pressed?.click();
  });
}
