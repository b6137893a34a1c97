// Keys: left and right step, space plays, Z takes a stroke back, B and E choose brush and eraser.

/** Listen to keys; isReady() tells whether a film is shown, step(frames), play() and undo() are what they do. */
export function connectKeys({ isReady, step, play, undo }) {
  const choose = tool => document.querySelector(`[data-tool=${tool}]`).click();
  document.addEventListener("keydown", event => {
    const isTyping = event.target.matches("input:not([type=range]):not([type=checkbox]), select, textarea");
    if (!isReady() || isTyping) return;
    const frames = event.shiftKey ? 10 : 1;
    const actions = {
      ArrowLeft: () => step(-frames),
      ArrowRight: () => step(frames),
      " ": play,
      z: undo,
      b: () => choose("brush"),
      e: () => choose("eraser"),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || event.altKey) return;
    event.preventDefault();
    action();
  });
}
