import { useEffect, useState } from "react"

// The specification: every value is typed here, but judged, planned and formatted on the server.

const Badge = ({ source, detail }) => (
  <span className={`sx-badge sx-${source}`} title={detail}>{source}</span>
)

const Field = ({ field, value, error, onChange, onApply, disabled }) => {
  const shown = value === undefined ? field.text || "" : value
  const id = `sx-${field.key}`
  const common = {
    id, disabled, value: shown, "data-testid": `field-${field.key}`, "aria-invalid": Boolean(error),
    "aria-describedby": error ? `${id}-error` : undefined,
    onChange: (event) => onChange(field.key, event.target.value),
  }
  const options = field.choices.includes(shown) || shown === "" ? field.choices : [shown, ...field.choices]
  return (
    <div className={`sx-field${value === undefined ? "" : " sx-changed"}`}>
      <label htmlFor={id} title={field.detail}>{field.label}</label>
      <span className="sx-value">
        {field.choices.length ? (
          <select {...common}>
            <option value=""></option>
            {options.map((each) => <option key={each} value={each}>{each.replaceAll("_", " ")}</option>)}
          </select>
        ) : (
          <input {...common} type="text" autoComplete="off" title={shown}
            onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); onApply() } }} />
        )}
        {field.unit && <span className="sx-unit">{field.unit}</span>}
      </span>
      {value === undefined && field.source ? <Badge source={field.source} detail={field.detail} /> :
        <span className="sx-badge sx-edited">{value === undefined ? "" : "changed"}</span>}
      {error && <span className="sx-error" id={`${id}-error`} role="alert">{error}</span>}
    </div>
  )
}

function Specification({ props, callAction }) {
  const [draft, setDraft] = useState({})
  const [errors, setErrors] = useState({})
  const [added, setAdded] = useState([])
  const [sending, setBusy] = useState(false)
  const busy = sending || Boolean(props.work)
  useEffect(() => { setDraft({}); setErrors({}); setAdded([]) }, [props.revision])

  const call = sextantAsk(callAction)
  const send = async (kind, values) => {
    setBusy(true)
    setErrors((await call("act", { kind, revision: props.revision, values: values || {} })).errors || {})
    setBusy(false)
  }
  const change = (key, text) => setDraft((before) => ({ ...before, [key]: text }))
  const changed = Object.keys(draft).length > 0
  const apply = () => { if (Object.keys(draft).length) send("edit", draft) }

  if (props.superseded) {
    return <div className="sx-card sx-old">Specification, revision {props.revision}: a newer card stands below.</div>
  }
  const shownKeys = new Set(props.groups.flatMap((group) => group.fields.map((field) => field.key)))
  const groups = props.absent.map((group) => {
    const known = props.groups.find((each) => each.name === group.name)
    const more = group.fields.filter((field) => added.includes(field.key))
    return { name: group.name, fields: [...(known ? known.fields : []), ...more] }
  }).filter((group) => group.fields.length)
  const loose = Object.entries(errors).filter(([key]) => !shownKeys.has(key) && !added.includes(key))

  return (
    <section className="sx-card" data-testid="spec-card" aria-label="Specification" aria-busy={busy}>
      <header className="sx-head">
        <h3>Specification</h3>
        <span className="sx-quiet" data-testid="revision">revision {props.revision}</span>
        <span className="sx-space" />
        <span className="sx-pair">
          <button disabled={busy || !props.undo} data-testid="undo" onClick={() => send("undo")}>Undo</button>
          <button disabled={busy || !props.redo} data-testid="redo" onClick={() => send("redo")}>Redo</button>
        </span>
      </header>
      <div className="sx-groups">
        {groups.map((group) => (
          <fieldset key={group.name}>
            <legend>{group.name}</legend>
            {group.fields.map((field) => (
              <Field key={field.key} field={field} value={draft[field.key]} error={errors[field.key]}
                onChange={change} onApply={apply} disabled={busy} />
            ))}
          </fieldset>
        ))}
      </div>
      {props.unresolved.length > 0 && (
        <ul className="sx-open">{props.unresolved.map((text) => <li key={text}>Not understood: {text}</li>)}</ul>
      )}
      {loose.map(([key, text]) => <p className="sx-error" role="alert" key={key} data-testid="card-error">{text}</p>)}
      {props.work && (
        <div className="sx-progress" data-testid="work" role="status">
          {props.work.map((each) => (
            <div key={each.step}>
              <span className="sx-step">{each.step}</span>
              <progress value={each.fraction} max={1} aria-label={each.step} />
              <span className="sx-quiet">{each.note}</span>
            </div>
          ))}
          <button data-testid="stop-work" onClick={() => call("act", { kind: "stop" })}>Stop</button>
        </div>
      )}
      <footer className="sx-foot">
        <select aria-label="Add a field" data-testid="add-field" value="" disabled={busy}
          onChange={(event) => setAdded((before) => [...before, event.target.value])}>
          <option value="">Add a field…</option>
          {props.absent.map((group) => (
            <optgroup key={group.name} label={group.name}>
              {group.fields.filter((field) => !added.includes(field.key)).map((field) => (
                <option key={field.key} value={field.key}>{field.label}</option>
              ))}
            </optgroup>
          ))}
        </select>
        <button className={changed ? "sx-primary" : ""} disabled={busy || !changed} data-testid="apply" onClick={apply}>
          {busy ? "Working…" : "Apply changes"}
        </button>
        {changed && <button disabled={busy} onClick={() => { setDraft({}); setErrors({}) }}>Discard</button>}
      </footer>
    </section>
  )
}

// Chainlit evaluates this file for every change: one type for all of them keeps what is typed and focused.
const shelf = (globalThis.sextantCards = globalThis.sextantCards || {})
shelf.Specification = shelf.Specification || Specification
export default <shelf.Specification props={props} callAction={callAction} />
