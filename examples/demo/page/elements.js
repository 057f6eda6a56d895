// The few things that every panel does with the document.

export const at = (id) => document.getElementById(id)

/** What a panel is doing, in words and by the colour beside them: `idle`, `on` or `ended`. */
export function say(panel, state, text) {
  const status = at(`${panel}-status`)
  status.dataset.state = state
  status.textContent = text
}

/** Adds a line to a panel's list, and lets go of the oldest beyond `most`. */
export function addLine(panel, mark, text, most = 5) {
  const line = document.createElement('li')
  const lead = document.createElement('b')
  lead.textContent = mark
  line.append(lead, text)
  const list = at(`${panel}-lines`)
  list.append(line)
  while (list.children.length > most) list.firstElementChild.remove()
}
