import { useEffect, useRef, useState } from "react"

// From a choice to something that runs: where, at what cost, with which manifests, and then how it does.

const problem = (answer) => Object.values(answer.errors || {}).join(" ")

const Confirm = ({ words, label, testid, onYes, onNo, children }) => (
  <div className="sx-confirm" role="group" aria-label="Confirmation" data-testid={testid}>
    <p>{words}</p>
    {children}
    <button className="sx-primary" data-testid={label.id} autoFocus onClick={onYes}>{label.text}</button>
    <button onClick={onNo}>Not yet</button>
  </div>
)

const Approve = ({ card, busy, onDeploy }) => {
  const [asked, setAsked] = useState(false)
  const [target, setTarget] = useState(card.targets.length ? card.targets[0].name : "")
  const place = card.targets.find((each) => each.name === target) || card.targets[0]
  if (!card.chosen.deployable) return <p className="sx-quiet">{card.chosen.title} is paid per token: there is nothing to deploy, call {card.chosen.provider}.</p>
  const money = place && place.rents
    ? `It uses real accelerators there, planned at ${card.chosen.monthly} a month.`
    : `Nothing is rented by that. What is planned would cost ${card.chosen.monthly} a month.`
  return (
    <>
      {card.targets.length > 1 && (
        <div className="sx-targets" role="radiogroup" aria-label="Target">
          {card.targets.map((each) => (
            <label key={each.name} className={each.name === target ? "sx-on" : ""}>
              <input type="radio" name="sx-target" checked={each.name === target} disabled={busy}
                data-testid={`target-${each.name}`} onChange={() => { setTarget(each.name); setAsked(false) }} />
              <span><b>{each.name}</b> <span className="sx-quiet">{each.title}</span></span>
            </label>
          ))}
        </div>
      )}
      {asked ? (
        <Confirm testid="confirm" label={{ id: "deploy", text: "Deploy" }} onNo={() => setAsked(false)}
          onYes={() => { setAsked(false); onDeploy(target) }}
          words={<>Deploy <b>{card.chosen.title}</b> on target <b>{target}</b>{place ? ` (${place.title})` : ""} and load-test it? {money}</>} />
      ) : (
        <div className="sx-line">
          <button className="sx-primary" disabled={busy} data-testid="approve" onClick={() => setAsked(true)}>Approve…</button>
          <span className="sx-quiet">{card.targets.length > 1 ? "" : place ? `on ${place.title}` : ""}</span>
          <span className="sx-space" />
          <b className="sx-money">{card.chosen.monthly}</b><span className="sx-quiet">a month planned</span>
        </div>
      )}
    </>
  )
}

const Manifests = ({ card, call }) => {
  const [shown, setShown] = useState(null)
  const [form, setForm] = useState("")
  const [file, setFile] = useState("")
  const [error, setError] = useState("")
  useEffect(() => { setShown(null); setError("") }, [card.revision])
  const load = async (wanted) => {
    const answer = await call("deployment", { kind: "manifests", form: wanted })
    setError(problem(answer))
    if (answer.files) { setShown(answer); setForm(answer.form); setFile((before) => answer.files.some((each) => each.file === before) ? before : answer.files[0].file) }
  }
  if (!shown) {
    return (
      <div className="sx-line sx-apart">
        <button data-testid="manifests" onClick={() => load(form)}>Preview Kubernetes manifests</button>
        {error && <span className="sx-error" role="alert">{error}</span>}
      </div>
    )
  }
  const current = shown.files.find((each) => each.file === file) || shown.files[0]
  return (
    <section className="sx-manifests" data-testid="manifest-preview" aria-label="Kubernetes manifests">
      <div className="sx-line">
        <b>{shown.name}</b><span className="sx-quiet">{shown.files.length} files, plan {shown.hash}</span>
        <span className="sx-space" />
        <label>as <select value={form} data-testid="manifest-form" onChange={(event) => load(event.target.value)}>
          {card.forms.map((each) => <option key={each} value={each}>{each}</option>)}
        </select></label>
        <a className="sx-button" data-testid="manifests-zip" href={`${card.downloads}/manifests.zip?form=${form}`} download>zip</a>
        <a className="sx-button" data-testid="manifests-yaml" href={`${card.downloads}/manifests.yaml?form=${form}`} download>yaml</a>
        <button onClick={() => setShown(null)}>Hide</button>
      </div>
      <div className="sx-files">
        <ul role="tablist" aria-orientation="vertical" aria-label="Files">{shown.files.map((each) => (
          <li key={each.file} role="presentation"><button role="tab" aria-selected={each.file === current.file}
            className={each.file === current.file ? "sx-on" : ""} onClick={() => setFile(each.file)}>{each.file.replace(".yaml", "")}</button></li>
        ))}</ul>
        <pre tabIndex={0} role="tabpanel" aria-label={current.file} data-testid="manifest-text">{current.text}</pre>
      </div>
      {shown.findings.map((text) => <p className="sx-quiet" key={text}>{text}</p>)}
      {error && <p className="sx-error" role="alert">{error}</p>}
    </section>
  )
}

const Stop = ({ call }) => {
  const [asked, setAsked] = useState(false)
  return (
    <button disabled={asked} data-testid="stop" onClick={() => { setAsked(true); call("act", { kind: "stop" }) }}>
      {asked ? "Stopping…" : "Stop"}
    </button>
  )
}

const Work = ({ work }) => (
  <div className="sx-work" data-testid="work" role="status" aria-live="off">
    {work.steps.map((each) => (
      <div key={each.step} className="sx-workstep">
        <div className="sx-line">
          <b className="sx-step">{each.step}</b>
          <progress value={each.fraction} max={1} aria-label={each.step} />
          <span className="sx-quiet">{each.done ? "done" : each.note}</span>
        </div>
        {each.stages.length > 0 && (
          <ol className="sx-stages">{each.stages.map((stage, place) => {
            const done = each.done || place < each.stages.length - 1
            return <li key={stage.stage} className={done ? "sx-done" : "sx-now"}><b>{stage.stage.replaceAll("_", " ")}</b> <span className="sx-quiet">{stage.note}</span></li>
          })}</ol>
        )}
      </div>
    ))}
    {work.live && (
      <div data-testid="live">
        <dl className="sx-tiles">{work.live.tiles.map((tile) => (
          <div key={tile.name} className={tile.good === null ? "" : tile.good ? "sx-tile-good" : "sx-tile-bad"}>
            <dt>{tile.name}</dt><dd>{tile.text}</dd><span className="sx-quiet">{tile.beside}</span>
          </div>
        ))}</dl>
        <div className="sx-plots">{work.live.plots.map((svg, place) => <div key={place} className="sx-plot" dangerouslySetInnerHTML={{ __html: svg }} />)}</div>
      </div>
    )}
  </div>
)

const Try = ({ tried, call }) => {
  const [prompt, setPrompt] = useState("")
  const [error, setError] = useState("")
  const [sending, setSending] = useState(false)
  const waiting = sending || Boolean(tried && !tried.finished)
  const send = async () => {
    if (!prompt.trim() || waiting) return
    setSending(true)
    const wrong = problem(await call("deployment", { kind: "try", prompt }))
    setError(wrong)
    if (!wrong) setPrompt("")
    setSending(false)
  }
  return (
    <section className="sx-try" aria-label="Try a prompt">
      <label htmlFor="sx-prompt">Try a prompt on it</label>
      <div className="sx-line">
        <textarea id="sx-prompt" data-testid="prompt" rows={2} maxLength={4000} value={prompt} placeholder="What would your users ask?"
          onChange={(event) => setPrompt(event.target.value)}
          onKeyDown={(event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send() } }} />
        <button data-testid="try" disabled={waiting || !prompt.trim()} onClick={send}>{waiting ? "Answering…" : "Send"}</button>
      </div>
      {error && <p className="sx-error" role="alert" data-testid="try-error">{error}</p>}
      {tried && (
        <div className="sx-reply" data-testid="reply" aria-busy={!tried.finished}>
          <p className="sx-quiet">{tried.prompt}</p>
          <p>{tried.text}</p>
          {tried.error && <p className="sx-error" role="alert">{tried.error}</p>}
          <div className="sx-line sx-quiet" data-testid="reply-figures">
            {tried.figures.map((each) => <span key={each.name}>{each.name} <b>{each.text}</b></span>)}
            {tried.finished && tried.note && <span>{tried.note}</span>}
          </div>
        </div>
      )}
    </section>
  )
}

const Rating = ({ rating, call }) => {
  const [stars, setStars] = useState(rating ? rating.stars : 0)
  const [comment, setComment] = useState(rating ? rating.comment : "")
  const [error, setError] = useState("")
  const [kept, setKept] = useState(Boolean(rating))
  useEffect(() => { if (rating) { setStars(rating.stars); setComment(rating.comment); setKept(true) } }, [rating && rating.stars, rating && rating.comment])
  const send = async (value) => {
    setStars(value)
    const wrong = problem(await call("deployment", { kind: "rate", stars: value, comment }))
    setError(wrong)
    setKept(!wrong)
  }
  return (
    <section className="sx-rating" aria-label="Rate the recommendation">
      <span>How good was this recommendation?</span>
      <span className="sx-stars" role="radiogroup" aria-label="1 to 5">
        {[1, 2, 3, 4, 5].map((value) => (
          <button key={value} role="radio" aria-checked={stars === value} aria-label={`${value} of 5`} data-testid={`star-${value}`}
            className={value <= stars ? "sx-star sx-lit" : "sx-star"} onClick={() => send(value)}>★</button>
        ))}
      </span>
      <input type="text" aria-label="Why" placeholder="Why? (optional)" maxLength={1000} value={comment} data-testid="rating-comment"
        onChange={(event) => { setComment(event.target.value); setKept(false) }}
        onKeyDown={(event) => { if (event.key === "Enter" && stars) send(stars) }} />
      {kept && <span className="sx-quiet" data-testid="rated">kept with the outcome</span>}
      {error && <span className="sx-error" role="alert">{error}</span>}
    </section>
  )
}

const Running = ({ running, tried, busy, call, say, onRollBack }) => {
  const [asked, setAsked] = useState(false)
  return (
    <section className="sx-running" data-testid="running" aria-label="What runs">
      <div className="sx-line">
        <b>{running.id}</b><span className={`sx-badge sx-state-${running.state}`} data-testid="deployment-state">{running.words}</span>
        <span className="sx-quiet">{running.title}</span>
        <span className="sx-space" />
        {!asked && <button disabled={busy} data-testid="rollback" onClick={() => setAsked(true)}>Roll back…</button>}
      </div>
      {asked && (
        <Confirm testid="confirm-rollback" label={{ id: "rollback-yes", text: "Roll back" }} onNo={() => setAsked(false)}
          onYes={() => { setAsked(false); onRollBack() }}
          words={<>Stop <b>{running.id}</b>? Its requests will be refused; what was measured stays.</>} />
      )}
      <div className="sx-line">
        {running.endpoints.map((url) => <code key={url}>{url}</code>)}
        <span className="sx-quiet">{running.simulated}</span>
      </div>
      <div className="sx-line" data-testid="monitoring">
        {running.monitoring.map((each) => <a key={each.title} href={each.url} target="_blank" rel="noreferrer">{each.title} ↗</a>)}
        {running.observable && <button data-testid="observe" onClick={() => say("How is it doing?")}>What does monitoring say?</button>}
      </div>
      <Try tried={tried} call={call} />
      {running.tested && <Rating rating={running.rating} call={call} />}
    </section>
  )
}

function Deployment({ props, callAction, sendUserMessage }) {
  const [sending, setSending] = useState(false)
  const [error, setError] = useState("")
  useEffect(() => { setError("") }, [props.revision])
  const place = useRef(null)
  const working = Boolean(props.work)
  useEffect(() => { if (working && place.current) place.current.scrollIntoView({ block: "start", behavior: "smooth" }) }, [working])
  if (props.superseded) return null
  const call = sextantAsk(callAction)
  const busy = sending || Boolean(props.work)
  const send = async (kind, values) => {
    setSending(true)
    setError(problem(await call("act", { kind, revision: props.revision, values: values || {} })))
    setSending(false)
  }
  return (
    <section ref={place} className="sx-card" data-testid="deploy-card" aria-label="Deployment" aria-busy={busy}>
      <header className="sx-head">
        <h3>{props.running ? "Deployment" : "Deploy"}</h3>
        {props.chosen && <span className="sx-quiet">{props.chosen.title}</span>}
        <span className="sx-space" />
        {props.work && <Stop call={call} />}
      </header>
      {props.said && props.said.map((text) => <p key={text} className="sx-note">{text}</p>)}
      {!props.work && props.failed && props.failed.map((each) => (
        <p key={each.text} className="sx-note sx-failed" role="alert" data-testid="deploy-failed"><b className="sx-bad">{each.text}</b> {each.cure}</p>
      ))}
      {props.work && <Work work={props.work} />}
      {!props.work && props.running && (
        <Running running={props.running} tried={props.tried} busy={busy} call={call} say={sendUserMessage} onRollBack={() => send("rollback")} />
      )}
      {!props.work && props.running && !props.running.current && <p className="sx-quiet">The plan on the card has changed since; what runs is the one before.</p>}
      {!props.work && props.chosen && !(props.running && props.running.current) && <Approve card={props} busy={busy} onDeploy={(target) => send("approve", { target })} />}
      {!props.work && props.chosen && props.chosen.deployable && <Manifests card={props} call={call} />}
      {error && <p className="sx-error" role="alert" data-testid="deploy-error">{error}</p>}
    </section>
  )
}

// Chainlit evaluates this file for every change: one type for all of them keeps what is typed and focused.
const shelf = (globalThis.sextantCards = globalThis.sextantCards || {})
shelf.Deployment = shelf.Deployment || Deployment
export default <shelf.Deployment props={props} callAction={callAction} sendUserMessage={sendUserMessage} />
