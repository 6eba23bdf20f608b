import { useEffect, useRef, useState } from "react"

// A closer look at one option: pictures that the server draws when they are asked for; scenarios; the report to pass on.

const VIEWS = [["load", "Latency by load"], ["cost", "Cost over time"], ["day", "Over the day"], ["waits", "Simulated waits"]]
const RUNS = [1, 4]
const REDRAW_AFTER_MS = 700 // what people wait for comes first
const LIST_AFTER_MS = 400, KEPT_WITHIN = 150 // a busy server keeps a scenario after the turns before it
const NAME = /[^\p{L}\p{N}_ .-]/gu

const ROWS = [
  ["model", "Model"], ["runs", "Runs on"], ["where", "Where"], ["monthly", "Cost a month"],
  ["TTFT", "TTFT p90"], ["TPOT", "TPOT p90"], ["E2E", "E2E p90"], ["used", "Used"], ["gpus", "GPUs"], ["quality", "Quality"],
]
const cell = (option, key) => {
  if (!option) return "–"
  const time = option.times.find((each) => each.name === key)
  return time ? time.text : option[key]
}

const Beside = ({ scenarios }) => {
  const said = new Map(scenarios.flatMap((each) => each.said.map((field) => [field.field, field.label])))
  const needs = [...said].map(([field, label]) => [label, scenarios.map((each) => (each.said.find((one) => one.field === field) || { text: "–" }).text)])
  const rows = [...needs, ...ROWS.map(([key, title]) => [title, scenarios.map((each) => cell(each.option, key))])]
  return (
    <div className="sx-scroll" tabIndex={0} role="region" aria-label="Scenarios side by side"><table className="sx-table" data-testid="scenarios-compared">
      <thead><tr><td></td>{scenarios.map((each) => <th key={each.name} scope="col">{each.name}</th>)}</tr></thead>
      <tbody>{rows.map(([title, values]) => (
        <tr key={title} className={new Set(values).size > 1 ? "sx-differs" : ""}><th scope="row">{title}</th>{values.map((value, place) => <td key={place}>{value}</td>)}</tr>
      ))}</tbody>
    </table></div>
  )
}

const Scenarios = ({ ask, say, revision }) => {
  const [kept, setKept] = useState(null)
  const [ticked, setTicked] = useState([])
  const [name, setName] = useState("")
  const list = async () => { const { scenarios = [] } = await ask({ kind: "scenarios" }); setKept(scenarios); return scenarios }
  useEffect(() => { list() }, [revision])
  const save = async () => {
    const plain = name.replace(NAME, " ").trim().slice(0, 40)
    if (!plain) return
    setName("")
    await say(`save this as ${plain}`)
    for (let tries = 0; tries < KEPT_WITHIN; tries++) {
      if ((await list()).some((each) => each.name === plain.toLowerCase())) return
      await new Promise((done) => setTimeout(done, LIST_AFTER_MS))
    }
  }
  const tick = (each) => setTicked((before) => before.includes(each) ? before.filter((one) => one !== each) : [...before, each])
  const beside = (kept || []).filter((each) => ticked.includes(each.name))
  return (
    <div className="sx-scenarios" data-testid="scenarios">
      <div className="sx-line">
        <input type="text" value={name} placeholder="Keep this as…" aria-label="Name of the scenario" data-testid="scenario-name"
          onChange={(event) => setName(event.target.value)} onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); save() } }} />
        <button disabled={!name.trim()} data-testid="scenario-save" onClick={save}>Keep</button>
      </div>
      {kept && !kept.length && <p className="sx-quiet">Nothing is kept yet. What-ifs that you ask about are kept here too.</p>}
      {kept && kept.map((each) => (
        <div className="sx-line" key={each.name} data-testid={`scenario-${each.name}`}>
          <input type="checkbox" checked={ticked.includes(each.name)} onChange={() => tick(each.name)} aria-label={`Compare ${each.name}`} />
          <b>{each.name}</b>
          <span className="sx-quiet">{each.option ? `${each.option.model} on ${each.option.runs}, ${each.option.monthly} a month` : "nothing serves it"}</span>
          <span className="sx-space" />
          <button onClick={() => say(`load scenario ${each.name}`)}>Go on with it</button>
        </div>
      ))}
      {beside.length > 1 && <Beside scenarios={beside} />}
    </div>
  )
}

function Closer({ data, callAction, sendUserMessage }) {
  const [view, setView] = useState("load")
  const [option, setOption] = useState("")
  const [found, setFound] = useState(null)
  const [working, setWorking] = useState(false)
  const [open, setOpen] = useState(false)
  const [seen, setSeen] = useState(false)
  const place = useRef(null), drawn = useRef(data.revision)
  const first = data.titles && data.titles.length ? data.titles[0].id : ""
  const current = (data.titles || []).some((each) => each.id === option) ? option : first

  const ask = (payload) => sextantAsk(callAction)("look", payload)
  useEffect(() => {
    if (!place.current || seen) return undefined
    const watch = new IntersectionObserver((entries) => { if (entries.some((each) => each.isIntersecting)) setSeen(true) })
    watch.observe(place.current)
    return () => watch.disconnect()
  }, [data.superseded, seen])
  useEffect(() => {
    if (!seen || !current || data.superseded) return undefined
    let gone = false
    const wait = drawn.current === data.revision ? 0 : REDRAW_AFTER_MS
    const draw = async () => {
      drawn.current = data.revision
      setWorking(true)
      for (const runs of view === "waits" ? RUNS : [1]) {
        const answer = await ask({ kind: view, option: current, runs })
        if (gone) return
        setFound(answer)
      }
      setWorking(false)
    }
    const begin = setTimeout(draw, wait)
    return () => { gone = true; clearTimeout(begin) }
  }, [seen, view, current, data.revision, data.superseded])
  if (data.superseded || !first) return null

  const errors = found ? Object.values(found.errors || {}) : []
  return (
    <section ref={place} className="sx-card" data-testid="closer" aria-label="A closer look" aria-busy={working}>
      <header className="sx-head">
        <h3>A closer look</h3>
        <div role="group" aria-label="Pictures" className="sx-tabs">
          {VIEWS.map(([name, title]) => (
            <button key={name} aria-pressed={name === view} className={name === view ? "sx-on" : ""} data-testid={`view-${name}`}
              onClick={() => setView(name)}>{title}</button>
          ))}
        </div>
      </header>
      <div className="sx-line">
        <select aria-label="Option" data-testid="closer-option" value={current} onChange={(event) => setOption(event.target.value)}>
          {data.titles.map((each) => <option key={each.id} value={each.id}>{each.text}</option>)}
        </select>
        <span className="sx-quiet" role="status">{working ? (view === "waits" ? "simulating…" : "drawing…") : ""}</span>
        {working && <progress aria-label="Drawing" />}
      </div>
      <div className={`sx-plot${working ? " sx-dim" : ""}`} data-testid="figure" data-view={found && !working ? view : ""}>
        {found && found.svg ? <div dangerouslySetInnerHTML={{ __html: found.svg }} /> : null}
        {found && (found.words || []).map((text) => <p className="sx-quiet" key={text}>{text}</p>)}
      </div>
      {errors.map((text) => <p className="sx-error" role="alert" key={text}>{text}</p>)}
      <footer className="sx-foot">
        <button aria-expanded={open} data-testid="scenarios-open" onClick={() => setOpen(!open)}>Scenarios</button>
        <span className="sx-space" />
        <span className="sx-quiet">Pass it on:</span>
        <a className="sx-button" href={`${data.report}.html`} download data-testid="report-html">Report</a>
        <a className="sx-button" href={`${data.report}.md`} download data-testid="report-md">Markdown</a>
      </footer>
      {open && <Scenarios ask={ask} say={sendUserMessage} revision={data.revision} />}
    </section>
  )
}

// Chainlit evaluates this file for every change: one type for all of them keeps what is shown.
const shelf = (globalThis.sextantCards = globalThis.sextantCards || {})
shelf.Closer = shelf.Closer || Closer
export default <shelf.Closer data={props} callAction={callAction} sendUserMessage={sendUserMessage} />
