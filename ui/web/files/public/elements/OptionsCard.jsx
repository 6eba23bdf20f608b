import { useEffect, useRef, useState } from "react"

// Ranked options: sliders that plan anew, lists, what a simulation makes of the picks, comparison side by side, the
// Pareto chart, and what was left out. Figures and drawings come formatted from the server.

const PREVIEW_MS = 60, SETTLE_MS = 700, REFINE_AFTER_MS = 900

const Times = ({ times }) => (
  <span className="sx-times">
    {times.map((time) => (
      <span key={time.name} className={time.met === null ? "sx-quiet" : time.met ? "sx-good" : "sx-bad"}
        title={time.met === null ? "not known" : time.met ? "within the target" : "beyond the target"}>
        {time.name} {time.text} {time.met === null ? "" : time.met ? "✓" : "✗"}
      </span>
    ))}
  </span>
)

const Slider = ({ slider, at, onMove, onSettle }) => {
  const waiting = useRef(null)
  const settle = () => { clearTimeout(waiting.current); waiting.current = null; onSettle(slider.key) }
  useEffect(() => () => clearTimeout(waiting.current), [])
  return (
    <label className="sx-slider">
      <span>{slider.label}</span>
      <output>{slider.texts[at]}</output>
      <input type="range" min={0} max={slider.values.length - 1} step={1} value={at}
        data-testid={`slider-${slider.key}`} aria-valuetext={slider.texts[at]} aria-label={slider.label}
        onChange={(event) => onMove(slider.key, Number(event.target.value))}
        onPointerUp={settle} onBlur={() => { if (waiting.current) settle() }}
        onKeyUp={(event) => {
          if (!event.key.startsWith("Arrow") && !["Home", "End", "PageUp", "PageDown"].includes(event.key)) return
          clearTimeout(waiting.current)
          waiting.current = setTimeout(settle, SETTLE_MS)
        }} />
    </label>
  )
}

const Option = ({ option, picked, refined, onPick, onChoose, onRefine, busy }) => {
  const [open, setOpen] = useState(false)
  return (
    <article className={`sx-option${option.chosen ? " sx-chosen" : ""}`} data-testid={`option-${option.id}`}>
      <div className="sx-line">
        <input type="checkbox" checked={picked} onChange={() => onPick(option.id)} aria-label={`Compare ${option.model} on ${option.runs}`} />
        <b>{option.model}</b><span className="sx-quiet">{option.vendor}</span>
        <span className="sx-space" />
        <span className="sx-price"><b className="sx-money">{option.monthly}</b> <span className="sx-quiet">a month</span></span>
      </div>
      <div className="sx-line">
        {option.runs}<span className="sx-quiet">{option.where}</span>
        <span className="sx-space" />
        <button className="sx-link" aria-expanded={open} onClick={() => setOpen(!open)}>Why</button>
        {option.chosen ? <span className="sx-badge sx-picked">chosen</span> :
          <button disabled={busy} data-testid={`choose-${option.id}`} onClick={() => onChoose(option.id)}>Choose</button>}
      </div>
      <div className="sx-line">
        <Times times={option.times} />
        <span className="sx-quiet">{option.used === "–" ? "" : `${option.used} used`}</span>
        <span className="sx-quiet" title="of 100, for this kind of work">quality {option.quality}</span>
        <span className="sx-quiet" title="0 is none, 1 is most: of the machine, its load, its price and the prediction">risk {option.risk}</span>
        <span className={`sx-badge sx-${option.evidence.replace(" ", "-")}`} title={option.interval}>{option.evidence}</span>
      </div>
      {refined && (
        <div className="sx-line sx-simulated" data-testid={`simulated-${option.id}`}>
          <Times times={refined.times} />
          <span className="sx-quiet">{refined.share}</span>
          <span className={`sx-badge ${refined.holds ? "sx-measured" : "sx-template"}`} title={refined.text}>simulated</span>
          {!refined.holds && <span className="sx-warn sx-wide">{refined.text}</span>}
        </div>
      )}
      {open && (
        <div className="sx-why">
          <p>{option.why}</p>
          {option.interval && <p>{option.interval}</p>}
          {option.neighbours.map((text) => <p key={text}>Nearest measurement: {text}</p>)}
          {option.lines.map((text) => <p key={text}>{text}</p>)}
          <p>{option.price} {/^https?:/.test(option.price_url) ? <a href={option.price_url} target="_blank" rel="noreferrer">source ↗</a> : option.price_url}</p>
          {refined && <p>{refined.text} ({refined.requests} requests)</p>}
          {!refined && option.used !== "–" && onRefine && (
            <p><button onClick={() => onRefine(option.id)} data-testid={`simulate-${option.id}`}>Simulate it at the peak</button></p>
          )}
        </div>
      )}
    </article>
  )
}

const ROWS = [
  ["model", "Model"], ["runs", "Runs on"], ["where", "Where"], ["monthly", "Cost a month"], ["per_1k", "Per 1k tokens"],
  ["TTFT", "TTFT p90"], ["TPOT", "TPOT p90"], ["E2E", "E2E p90"], ["used", "Used"], ["gpus", "GPUs"],
  ["quality", "Quality"], ["risk", "Risk"], ["evidence", "Evidence"],
]
const cell = (option, key) => {
  const time = option.times.find((each) => each.name === key)
  return time ? time.text : option[key]
}
const Compared = ({ options }) => (
  <div className="sx-scroll" tabIndex={0} role="region" aria-label="Comparison"><table className="sx-table" data-testid="compared">
    <thead><tr><td></td>{options.map((option) => <th key={option.id} scope="col">{option.model}</th>)}</tr></thead>
    <tbody>{ROWS.map(([key, title]) => {
      const values = options.map((option) => cell(option, key))
      const differs = new Set(values).size > 1
      return <tr key={key} className={differs ? "sx-differs" : ""}><th scope="row">{title}</th>{values.map((value, place) => <td key={place}>{value}</td>)}</tr>
    })}</tbody>
  </table></div>
)

const LeftOut = ({ rejected, onChange, busy, shown = false }) => {
  const [open, setOpen] = useState(shown)
  if (!rejected.rules.length) return null
  return (
    <div className="sx-left-out">
      <button className="sx-link" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "Hide what was left out" : "What was left out, and what it would take"}
      </button>
      {open && <div className="sx-scroll" tabIndex={0} role="region" aria-label="What was left out"><table className="sx-table"><tbody>{rejected.rules.map((rule) => (
        <tr key={rule.rule}><th scope="row">{rule.rule}</th><td>{rule.count}</td><td>{rule.nearest}</td>
          <td>{rule.change && <button disabled={busy} onClick={() => onChange(rule.change.values)}>{rule.change.text}</button>}</td></tr>
      ))}</tbody></table></div>}
    </div>
  )
}

const Chart = ({ svg, onPick }) => {
  const act = (event) => {
    const dot = event.target.closest("[data-key]")
    if (!dot || (event.type === "keydown" && event.key !== "Enter" && event.key !== " ")) return
    event.preventDefault()
    onPick(dot.dataset.key)
  }
  return svg ? <div className="sx-plot" data-testid="pareto" onClick={act} onKeyDown={act} dangerouslySetInnerHTML={{ __html: svg }} /> : null
}

// What the simulation makes of the picks, one after another, each beside what screening found.
const useSimulated = (ask, revision, feasible) => {
  const [found, setFound] = useState({})
  const [progress, setProgress] = useState(null)
  useEffect(() => {
    setFound({}); setProgress(null)
    if (!feasible) return undefined
    let gone = false
    const begin = setTimeout(async () => {
      const { ids = [] } = await ask({ kind: "finalists" })
      for (let place = 0; place < ids.length && !gone; place++) {
        setProgress({ done: place, of: ids.length })
        const answer = await ask({ kind: "refined", option: ids[place] })
        if (!gone && answer.refined) setFound((before) => ({ ...before, [ids[place]]: answer.refined }))
      }
      if (!gone && ids.length) setProgress({ done: ids.length, of: ids.length })
    }, REFINE_AFTER_MS)
    return () => { gone = true; clearTimeout(begin) }
  }, [revision])
  const one = async (id) => {
    const answer = await ask({ kind: "refined", option: id })
    if (answer.refined) setFound((before) => ({ ...before, [id]: answer.refined }))
  }
  return [found, progress, one]
}

const Simulated = ({ progress, found }) => {
  if (!progress) return <p className="sx-status" />
  if (progress.done < progress.of) {
    return (
      <p className="sx-status sx-quiet" data-testid="simulating">Simulating the picks at the peak: {progress.done} of {progress.of}
        <progress value={progress.done} max={progress.of} aria-label="Simulating the picks" /></p>
    )
  }
  const all = Object.values(found), held = all.filter((each) => each.holds).length
  return (
    <p className={`sx-status ${held === all.length ? "sx-quiet" : "sx-warn"}`} data-testid="simulated">
      Simulated at the peak: {held === all.length ? `all ${held} picks hold their targets` : `${held} of ${all.length} picks hold their targets`}.
    </p>
  )
}

function Options({ data, callAction }) {
  const [list, setList] = useState("")
  const [picked, setPicked] = useState([])
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState("")
  const [trial, setTrial] = useState({})
  const [preview, setPreview] = useState(null)
  const newest = useRef({ number: 0, asked: 0, running: false })
  useEffect(() => { setTrial({}); setPreview(null); newest.current.number++ }, [data.revision])

  const call = sextantAsk(callAction)
  const ask = (payload) => call("look", payload)
  const [refined, progress, refine] = useSimulated(ask, data.superseded ? -1 : data.revision, !data.superseded && Object.keys(data.options || {}).length > 0)
  if (data.superseded) return null

  const send = async (kind, values) => {
    setBusy(true)
    const wrong = Object.values((await call("act", { kind, revision: data.revision, values })).errors || {})
    setError(wrong.join(" "))
    setBusy(false)
    return wrong.length === 0
  }
  const sliders = data.sliders || []
  const valuesOf = (moved) => Object.fromEntries(Object.entries(moved).map(([key, at]) => [key, sliders.find((each) => each.key === key).values[at]]))
  // One question is under way at a time; where the slider has moved on meanwhile, the newest place is asked for next.
  const look = async () => {
    const state = newest.current
    if (state.running) return
    state.running = true
    while (state.wanted) {
      const wanted = state.wanted, number = state.number
      state.wanted = null
      const answer = await ask({ kind: "what_if", revision: data.revision, values: valuesOf(wanted) })
      if (number !== state.number) continue
      setError(Object.values(answer.errors || {}).join(" "))
      if (answer.options) setPreview(answer.options)
      await new Promise((done) => setTimeout(done, PREVIEW_MS))
    }
    state.running = false
  }
  const move = (key, at) => {
    const moved = { ...trial, [key]: at }
    setTrial(moved)
    newest.current.wanted = moved
    look()
  }
  const settle = async (key) => {
    const slider = sliders.find((each) => each.key === key)
    if (trial[key] === undefined) return
    newest.current.wanted = null
    if (trial[key] === slider.at || !(await send("edit", valuesOf(trial)))) {
      setTrial({}); setPreview(null); newest.current.number++
    }
  }
  const pick = (id) => setPicked((before) => before.includes(id) ? before.filter((each) => each !== id) : [...before, id])

  const shown = preview || data
  const ids = Object.keys(shown.options)
  const rows = sliders.length > 0 && (
    <div className="sx-sliders" role="group" aria-label="Try other needs">
      {sliders.map((slider) => (
        <Slider key={slider.key} slider={slider} at={trial[slider.key] === undefined ? slider.at : trial[slider.key]}
          onMove={move} onSettle={settle} />
      ))}
    </div>
  )
  const trying = preview && <p className="sx-trying" role="status" data-testid="trying">Trying it out: let go to plan with it.</p>
  if (!ids.length) {
    return (
      <section className="sx-card" data-testid="options-card" data-revision={data.revision} aria-label="Options">
        <header className="sx-head"><h3>Nothing serves this within the rules</h3></header>
        {rows}{trying}
        <ul className="sx-open">{shown.rejected.relaxations.map((each) => (
          <li key={each.text}>{each.text} {each.change && <button disabled={busy} onClick={() => send("edit", each.change.values)}>{each.change.text}</button>}</li>
        ))}</ul>
        <LeftOut rejected={shown.rejected} busy={busy} shown onChange={(values) => send("edit", values)} />
        {error && <p className="sx-error" role="alert">{error}</p>}
      </section>
    )
  }
  const current = shown.lists.find((each) => each.name === list) || shown.lists[0]
  const compared = picked.filter((id) => shown.options[id]).map((id) => shown.options[id])
  return (
    <section className={`sx-card${preview ? " sx-previewing" : ""}`} data-testid="options-card" data-revision={data.revision} aria-label="Options" aria-busy={busy}>
      <header className="sx-head">
        <h3>Options</h3>
        <div role="group" aria-label="Best by" className="sx-tabs">
          {shown.lists.map((each) => (
            <button key={each.name} aria-pressed={each.name === current.name} data-testid={`list-${each.name}`}
              className={each.name === current.name ? "sx-on" : ""} onClick={() => setList(each.name)}>{each.title}</button>
          ))}
        </div>
      </header>
      {rows}
      {trying || (shown.note && shown.note.length > 0 && (
        <details className="sx-note">
          <summary>{shown.note[0]}</summary>
          {shown.note.slice(1).map((text) => <p key={text}>{text}</p>)}
        </details>
      ))}
      {!preview && <div aria-live="polite"><Simulated progress={progress} found={refined} /></div>}
      {current.ids.map((id) => (
        <Option key={id} option={shown.options[id]} picked={picked.includes(id)} refined={preview ? null : refined[id]} onPick={pick} busy={busy || Boolean(preview)}
          onRefine={preview ? null : refine} onChoose={(option) => send("choose", { option })} />
      ))}
      {compared.length === 1 && <p className="sx-quiet">Tick another option to compare.</p>}
      {compared.length > 1 && <Compared options={compared} />}
      {error && <p className="sx-error" role="alert" data-testid="options-error">{error}</p>}
      <Chart svg={shown.chart} onPick={pick} />
      <LeftOut rejected={shown.rejected} busy={busy} onChange={(values) => send("edit", values)} />
    </section>
  )
}

// Chainlit evaluates this file for every change: one type for all of them keeps what is ticked, typed and focused.
const shelf = (globalThis.sextantCards = globalThis.sextantCards || {})
shelf.Options = shelf.Options || Options
export default <shelf.Options data={props} callAction={callAction} />
