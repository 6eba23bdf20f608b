// The theme follows the system until somebody chooses one, and the address names the chat, so that a reload returns to it.
if (!localStorage.getItem("vite-ui-theme")) localStorage.setItem("vite-ui-theme", "system")
window.addEventListener("message", (event) => {
  const thread = event.source === window && event.data && event.data.sextant_thread
  if (thread && /^[0-9a-f-]{36}$/.test(thread)) history.replaceState(history.state, "", `/ui/thread/${thread}`)
})
