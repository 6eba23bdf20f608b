// Two plans side by side: only what differs.
export default function ComparisonCard() {
  return (
    <section className="sx-card" data-testid="comparison" aria-label={props.title}>
      <header className="sx-head"><h3>{props.title}</h3></header>
      <div className="sx-scroll" tabIndex={0} role="region" aria-label={props.title}><table className="sx-table">
        <thead><tr><td></td><th scope="col">before</th><th scope="col">after</th><th scope="col">change</th></tr></thead>
        <tbody>{props.rows.map((row) => (
          <tr key={row.field}><th scope="row">{row.field}</th><td>{row.before}</td><td>{row.after}</td><td>{row.change}</td></tr>
        ))}</tbody>
      </table></div>
    </section>
  )
}
