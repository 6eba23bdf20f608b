import { useEffect, useRef } from "react"

// The verdict of a load test: each objective measured beside predicted.
const WORDS = { met: "met", not_met: "not met", inconclusive: "inconclusive" }
const STYLE = { met: "sx-good", not_met: "sx-bad", inconclusive: "sx-warn" }

export default function ReportCard() {
  const place = useRef(null)
  useEffect(() => {
    const seen = `sextant-seen-${props.key}`
    if (sessionStorage.getItem(seen)) return
    sessionStorage.setItem(seen, "yes")
    place.current.scrollIntoView({ block: "nearest", behavior: "smooth" })
  }, [])
  return (
    <section ref={place} className="sx-card" data-testid="report" aria-label="Verdict">
      <header className="sx-head">
        <h3>Verdict</h3>
        <b className={STYLE[props.verdict]} data-testid="verdict">{WORDS[props.verdict] || props.verdict}</b>
        <span className="sx-quiet">{props.deployment}</span>
        <span className="sx-space" />
        {(props.papers || []).map((paper) => (
          <a key={paper.id} className="sx-button" data-testid={`paper-${paper.media_type.split("/")[1]}`}
            href={`${props.downloads}/${paper.id}`} download={paper.name}>Report as {paper.media_type === "text/html" ? "HTML" : "JSON"}</a>
        ))}
      </header>
      <p>{props.reason}</p>
      <div className="sx-scroll" tabIndex={0} role="region" aria-label="Objectives"><table className="sx-table">
        <thead><tr><th scope="col">objective</th><th scope="col">bound</th><th scope="col">measured</th><th scope="col">95 % interval</th><th scope="col">predicted</th><th scope="col">verdict</th></tr></thead>
        <tbody>{props.slos.map((slo) => (
          <tr key={slo.name}><th scope="row">{slo.name}</th><td>{slo.bound}</td><td>{slo.measured}</td><td>{slo.interval}</td><td>{slo.predicted}</td>
            <td className={STYLE[slo.verdict]}>{WORDS[slo.verdict] || slo.verdict}</td></tr>
        ))}</tbody>
      </table></div>
      <dl className="sx-facts">{props.facts.map((fact) => <div key={fact.name}><dt>{fact.name}</dt><dd>{fact.text}</dd></div>)}</dl>
      {props.notes.map((text) => <p className="sx-quiet" key={text}>{text}</p>)}
      {props.sources.map((text) => <p className="sx-quiet" key={text}>{text}</p>)}
    </section>
  )
}
