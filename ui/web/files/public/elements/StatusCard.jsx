// What was deployed here, and what its Prometheus saw of it: each finding with what to do.
const STYLE = { met: "sx-good", not_met: "sx-bad", unknown: "sx-quiet", critical: "sx-bad", warning: "sx-warn", advice: "sx-quiet" }
const words = (text) => text.replaceAll("_", " ")

export default function StatusCard() {
  return (
    <section className="sx-card" data-testid="status-card" aria-label="Deployments">
      <header className="sx-head"><h3>Deployments</h3></header>
      {props.deployments.map((each) => (
        <div key={each.id} className="sx-option">
          <div className="sx-line"><b>{each.id}</b><span>{each.model}</span><span className="sx-quiet">{each.runs}</span>
            <span className="sx-space" /><span>{each.state}</span></div>
          <div className="sx-line sx-quiet">{[each.where, `since ${each.since}`, each.monthly, `load test: ${each.verdict}`, each.reason].filter(Boolean).map((text) => <span key={text}>{text}</span>)}</div>
        </div>
      ))}
      {props.observed.map((seen) => (
        <section key={seen.id} data-testid="observed" aria-label={`Observed: ${seen.id}`}>
          <h4>{seen.id}, last {seen.window} <span className="sx-quiet">{seen.source}</span></h4>
          {seen.unavailable && <p className="sx-warn">{seen.unavailable}</p>}
          {seen.slos.length > 0 && <div className="sx-scroll" tabIndex={0} role="region" aria-label="Objectives"><table className="sx-table">
            <thead><tr><th scope="col">objective</th><th scope="col">bound</th><th scope="col">measured</th><th scope="col">share</th><th scope="col">verdict</th></tr></thead>
            <tbody>{seen.slos.map((slo) => (
              <tr key={slo.name}><th scope="row">{slo.name}</th><td>{slo.bound}</td><td>{slo.measured}</td><td>{slo.share}</td><td className={STYLE[slo.verdict]}>{words(slo.verdict)}</td></tr>
            ))}</tbody>
          </table></div>}
          {seen.findings.map((finding) => (
            <div key={finding.text} className="sx-note"><b className={STYLE[finding.severity]}>{finding.severity}</b> {finding.text}
              {finding.saving && <b> · {finding.saving}</b>}<p className="sx-quiet">{finding.action}</p></div>
          ))}
          {!seen.unavailable && seen.findings.length === 0 && <p className="sx-quiet">Nothing to act on in this window.</p>}
        </section>
      ))}
    </section>
  )
}
