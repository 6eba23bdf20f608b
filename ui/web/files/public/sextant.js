// The theme follows the system until somebody chooses one, and the address names the chat, so that a reload returns to it.
if (!localStorage.getItem("vite-ui-theme")) localStorage.setItem("vite-ui-theme", "system")
window.addEventListener("message", (event) => {
  const thread = event.source === window && event.data && event.data.sextant_thread
  if (thread && /^[0-9a-f-]{36}$/.test(thread)) history.replaceState(history.state, "", `/ui/thread/${thread}`)
})

// How a card asks the server: what it answers, or what to say when it does not.
globalThis.sextantAsk = (callAction) => async (name, payload) => {
  const lost = { errors: { "": "The server did not answer; try again." } }
  try {
    const answer = await callAction({ name, payload })
    return (answer && answer.response) || lost
  } catch (failure) {
    return lost
  }
}

// What arrives together is drawn together: a turn changes four cards, and Chainlit would draw the whole chat for each.
const TOGETHER_MS = 4
const reading = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage")
Object.defineProperty(WebSocket.prototype, "onmessage", {
  ...reading,
  set(read) {
    let arrived = []
    const pass = () => { const all = arrived; arrived = []; for (const event of all) read.call(this, event) }
    reading.set.call(this, read && ((event) => { if (arrived.push(event) === 1) setTimeout(pass, TOGETHER_MS) }))
  },
})

// What Chainlit leaves without a name or with the wrong role, for those who do not see the page.
const NAMES = {
  "sidebar-trigger-button": "Show or hide the chats", "search-chats-button": "Search the chats", "new-chat-button": "New chat",
  "upload-button": "Attach a bill", "chat-submit": "Send", "stop-button": "Stop", "theme-toggle": "Light or dark", "user-nav-button": "Account",
}
const named = () => {
  for (const button of document.querySelectorAll("button:not([aria-label]):not([aria-labelledby])")) {
    if (button.textContent.trim() || button.title || button.querySelector("img[alt]:not([alt=''])")) continue
    const icon = (button.querySelector("svg[class*=lucide-]")?.getAttribute("class") || "").match(/lucide-([a-z-]+)/)
    button.setAttribute("aria-label", NAMES[button.id] || (button.id || (icon && icon[1]) || "button").replaceAll("-", " "))
  }
  for (const choice of document.querySelectorAll("#chat-profiles:not([aria-label])")) choice.setAttribute("aria-label", "What the chat begins as")
  for (const button of document.querySelectorAll("button[role=presentation]")) button.removeAttribute("role")
  for (const image of document.querySelectorAll("img:not([alt])")) image.alt = ""
  for (const option of document.querySelectorAll("div#thread-options[aria-expanded]")) option.removeAttribute("aria-expanded")
  for (const list of document.querySelectorAll("ul[data-sidebar=menu]:has(> div):not([role])")) list.setAttribute("role", "presentation")
}
let due = 0
const later = () => { due = due || requestAnimationFrame(() => { due = 0; named() }) }
new MutationObserver(later).observe(document.documentElement, {
  childList: true, subtree: true, attributes: true, attributeFilter: ["aria-expanded", "role"],
})
later()
