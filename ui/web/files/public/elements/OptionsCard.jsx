import { useState } from "react"

// Ranked options: lists, Pareto chart, comparison side by side, and what was left out. Figures come formatted.

const WIDTH = 560, HEIGHT = 240, LEFT = 52, BOTTOM = 34, EDGE = 12

const ticks = (low, high) => {
  const found = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of [1, 2, 5]) {
      const value = step * 10 ** power
      if (value >= low && value <= high) found.push(value)
    }
  }
  return found.length > 6 ? found.filter((_, place) => place % 2 === 0) : found
}
const short = (value) => value >= 1000 ? `${+(value / 1000).toPrecision(3)}k` : `${+value.toPrecision(3)}`

const Chart = ({ points, chosen, onPick }) => {
  if (points.length < 2) return null
  const axis = (name) => {
    const values = points.map((point) => point[name])
    return [Math.min(...values) / 1.2, Math.max(...values) * 1.2]
  }
  const [x0, x1] = axis("usd"), [y0, y1] = axis("ms")
  const place = (value, low, high, from, to) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from)
  const x = (usd) => place(usd, x0, x1, LEFT, WIDTH - EDGE)
  const y = (ms) => place(ms, y0, y1, HEIGHT - BOTTOM, EDGE)
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="sx-chart" role="img" data-testid="pareto"
      aria-label="Cost a month against time to first token; larger dots are better quality">
      {ticks(x0, x1).map((value) => (
        <g key={`x${value}`}>
          <line x1={x(value)} x2={x(value)} y1={EDGE} y2={HEIGHT - BOTTOM} className="sx-grid" />
          <text x={x(value)} y={HEIGHT - BOTTOM + 14} textAnchor="middle">${short(value)}</text>
        </g>
      ))}
      {ticks(y0, y1).map((value) => (
        <g key={`y${value}`}>
          <line x1={LEFT} x2={WIDTH - EDGE} y1={y(value)} y2={y(value)} className="sx-grid" />
          <text x={LEFT - 6} y={y(value) + 3} textAnchor="end">{short(value)} ms</text>
        </g>
      ))}
      <text x={(LEFT + WIDTH - EDGE) / 2} y={HEIGHT - 4} textAnchor="middle">cost a month; larger dots: better quality; filled: best trade-offs</text>
      {points.map((point) => (
        <circle key={point.id} cx={x(point.usd)} cy={y(point.ms)} r={4 + point.quality / 14}
          className={`sx-dot${point.pareto ? " sx-front" : ""}${point.id === chosen ? " sx-picked" : ""}`}
          onClick={() => onPick(point.id)}><title>{point.label}</title></circle>
      ))}
    </svg>
  )
}

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

const Option = ({ option, picked, onPick, onChoose, busy }) => {
  const [open, setOpen] = useState(false)
  return (
    <article className={`sx-option${option.chosen ? " sx-chosen" : ""}`} data-testid={`option-${option.id}`}>
      <div className="sx-line">
        <input type="checkbox" checked={picked} onChange={() => onPick(option.id)} aria-label={`Compare ${option.model}`} />
        <b>{option.model}</b><span className="sx-quiet">{option.vendor}</span>
        <span className="sx-space" />
        <b className="sx-money">{option.monthly}</b><span className="sx-quiet">a month</span>
      </div>
      <div className="sx-line">
        {option.runs}<span className="sx-quiet">{option.where}</span>
        <span className="sx-space" />
        <button className="sx-link" aria-expanded={open} onClick={() => setOpen(!open)}>Why</button>
        {option.chosen ? <span className="sx-badge sx-picked">on the card</span> :
          <button disabled={busy} data-testid={`choose-${option.id}`} onClick={() => onChoose(option.id)}>Choose</button>}
      </div>
      <div className="sx-line">
        <Times times={option.times} />
        <span className="sx-quiet">{option.used === "–" ? "" : `${option.used} used`}</span>
        <span className="sx-quiet">quality {option.quality}</span>
        <span className="sx-quiet">risk {option.risk}</span>
        <span className={`sx-badge sx-${option.evidence.replace(" ", "-")}`} title={option.interval}>{option.evidence}</span>
      </div>
      {open && (
        <div className="sx-why">
          <p>{option.why}</p>
          {option.interval && <p>{option.interval}</p>}
          {option.neighbours.map((text) => <p key={text}>Nearest measurement: {text}</p>)}
          {option.lines.map((text) => <p key={text}>{text}</p>)}
          <p>{option.price} {option.price_url && <code>{option.price_url}</code>}</p>
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
  <div className="sx-scroll"><table className="sx-table" data-testid="compared">
    <thead><tr><th></th>{options.map((option) => <th key={option.id}>{option.model}</th>)}</tr></thead>
    <tbody>{ROWS.map(([key, title]) => {
      const values = options.map((option) => cell(option, key))
      const differs = new Set(values).size > 1
      return <tr key={key} className={differs ? "sx-differs" : ""}><th>{title}</th>{values.map((value, place) => <td key={place}>{value}</td>)}</tr>
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
      {open && <div className="sx-scroll"><table className="sx-table"><tbody>{rejected.rules.map((rule) => (
        <tr key={rule.rule}><th>{rule.rule}</th><td>{rule.count}</td><td>{rule.nearest}</td>
          <td>{rule.change && <button disabled={busy} onClick={() => onChange(rule.change.values)}>{rule.change.text}</button>}</td></tr>
      ))}</tbody></table></div>}
    </div>
  )
}

export default function OptionsCard() {
  const [list, setList] = useState("")
  const [picked, setPicked] = useState([])
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState("")
  if (props.superseded) return null

  const send = async (kind, values) => {
    setBusy(true)
    try {
      const answer = await callAction({ name: "act", payload: { kind, revision: props.revision, values } })
      const errors = (answer && answer.response && answer.response.errors) || {}
      setError(Object.values(errors).join(" "))
    } catch (failure) {
      setError("The server did not answer; try again.")
    } finally {
      setBusy(false)
    }
  }
  const pick = (id) => setPicked((before) => before.includes(id) ? before.filter((each) => each !== id) : [...before, id])
  const ids = Object.keys(props.options)
  if (!ids.length) {
    return (
      <section className="sx-card" data-testid="options-card" aria-label="Options">
        <header className="sx-head"><h3>Nothing serves this within the rules</h3></header>
        <ul className="sx-open">{props.rejected.relaxations.map((each) => (
          <li key={each.text}>{each.text} {each.change && <button disabled={busy} onClick={() => send("edit", each.change.values)}>{each.change.text}</button>}</li>
        ))}</ul>
        <LeftOut rejected={props.rejected} busy={busy} shown onChange={(values) => send("edit", values)} />
        {error && <p className="sx-error" role="alert">{error}</p>}
      </section>
    )
  }
  const current = props.lists.find((each) => each.name === list) || props.lists[0]
  const compared = picked.filter((id) => props.options[id]).map((id) => props.options[id])
  return (
    <section className="sx-card" data-testid="options-card" aria-label="Options" aria-busy={busy}>
      <header className="sx-head">
        <h3>Options</h3>
        <div role="tablist" className="sx-tabs">
          {props.lists.map((each) => (
            <button key={each.name} role="tab" aria-selected={each.name === current.name} data-testid={`list-${each.name}`}
              className={each.name === current.name ? "sx-on" : ""} onClick={() => setList(each.name)}>{each.title}</button>
          ))}
        </div>
      </header>
      {props.note && props.note.length > 0 && (
        <details className="sx-note">
          <summary>{props.note[0]}</summary>
          {props.note.slice(1).map((text) => <p key={text}>{text}</p>)}
        </details>
      )}
      {current.ids.map((id) => (
        <Option key={id} option={props.options[id]} picked={picked.includes(id)} onPick={pick} busy={busy}
          onChoose={(option) => send("choose", { option })} />
      ))}
      {compared.length === 1 && <p className="sx-quiet">Tick another option to compare.</p>}
      {compared.length > 1 && <Compared options={compared} />}
      {error && <p className="sx-error" role="alert" data-testid="options-error">{error}</p>}
      <Chart points={props.points} chosen={props.chosen} onPick={pick} />
      <LeftOut rejected={props.rejected} busy={busy} onChange={(values) => send("edit", values)} />
    </section>
  )
}
