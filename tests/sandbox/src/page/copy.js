// The clipboard.

// For pages that are loaded over plain http from another computer, which have no
// navigator.clipboard.
function copySelected(text) {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'aside';
  document.body.appendChild(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (before) before.focus({ preventScroll: true });
  return done;
}

// Returns whether the text was copied.
export async function copy(text) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch (error) {
    // The browser may forbid it.
  }
  return copySelected(text);
}
