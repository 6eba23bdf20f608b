import { useState } from "react"

// The account of a bill: what it comes to, what could be saved and why, and everything behind it.

const Finding = ({ finding }) => {
  const [open, setOpen] = useState(false)
  return (
    <article className="sx-option" data-testid="finding">
      <div className="sx-line">
        <b>{finding.title}</b><span className="sx-space" />
        <b className={finding.counted ? "sx-good sx-money" : "sx-money"}>{finding.saving}</b>
      </div>
      <div className="sx-line">
        <span className="sx-quiet">{finding.of}, {finding.spend} spent</span>
        <span className="sx-badge">{finding.confidence} confidence</span>
        {!finding.counted && <span className="sx-badge sx-template">not counted in the sum</span>}
        <span className="sx-space" />
        <button className="sx-link" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Less" : "How, and from what"}</button>
      </div>
      {open && (
        <div className="sx-why">
          <p>{finding.how}{finding.condition && <>. Only if {finding.condition}</>}</p>
          <p>{finding.lines}</p>
          {finding.others.map((text) => <p key={text}>Or: {text}</p>)}
          <p className="sx-quiet">{finding.source && `price of ${finding.source} `}{finding.url && <a href={finding.url} target="_blank" rel="noreferrer">source ↗</a>}</p>
        </div>
      )}
    </article>
  )
}

const Shares = ({ group }) => (
  <section className="sx-shares">
    <h4>{group.title}</h4>
    {group.rows.map((row) => (
      <div key={row.name} className="sx-share">
        <span>{row.name}</span><meter min={0} max={1} value={row.share} aria-label={row.name} /><span>{row.text}</span>
      </div>
    ))}
  </section>
)

export default function BillCard() {
  const [open, setOpen] = useState(false)
  return (
    <section className="sx-card" data-testid="bill-card" aria-label={`Bill ${props.title}`}>
      <header className="sx-head">
        <h3>{props.title}</h3><span className="sx-quiet">{props.how}</span>
        <span className="sx-space" />
        {props.papers.map((paper) => (
          <a key={paper.id} className="sx-button" data-testid={`paper-${paper.media_type.split("/")[1]}`}
            href={`${props.downloads}/${paper.id}`} download={paper.name}>Report as {paper.media_type === "text/html" ? "HTML" : "JSON"}</a>
        ))}
      </header>
      <dl className="sx-facts">{props.facts.map((fact) => <div key={fact.name}><dt>{fact.name}</dt><dd>{fact.text}</dd></div>)}</dl>
      {props.findings.map((finding) => <Finding key={`${finding.of} ${finding.title}`} finding={finding} />)}
      {props.findings.length === 0 && <p className="sx-quiet">Nothing was found that would cost less for the same.</p>}
      {props.more > 0 && <p className="sx-quiet">{props.more} more are in the report.</p>}
      {props.anomalies.length > 0 && <ul className="sx-open">{props.anomalies.map((text) => <li key={text}>{text}</li>)}</ul>}
      <button className="sx-link" data-testid="drill" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "Hide where the money went" : "Where the money went, and what could not be matched"}
      </button>
      {open && (
        <div data-testid="drilled">
          <div className="sx-groups">{props.groups.map((group) => <Shares key={group.title} group={group} />)}</div>
          {props.open_lines.length > 0 && (
            <div className="sx-scroll" tabIndex={0} role="region" aria-label="Lines that were not matched"><table className="sx-table sx-words">
              <thead><tr><th scope="col" className="sx-number">line</th><th scope="col">day</th><th scope="col">became</th><th scope="col">why</th></tr></thead>
              <tbody>{props.open_lines.map((line) => (
                <tr key={line.line}><td className="sx-number">{line.line}</td><td>{line.day}</td><td>{line.status}</td><td>{line.reason}</td></tr>
              ))}</tbody>
            </table></div>
          )}
        </div>
      )}
      {props.notes.map((text) => <p className="sx-quiet" key={text}>{text}</p>)}
    </section>
  )
}
