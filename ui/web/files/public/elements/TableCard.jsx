// An answer as a table: every row with its source. Figures and words come formatted.
const Cell = ({ cell }) => cell.url
  ? <a href={cell.url} target="_blank" rel="noreferrer">{cell.text} ↗</a>
  : cell.text

export default function TableCard() {
  return (
    <section className="sx-card" data-testid="table-card" aria-label={props.title}>
      <header className="sx-head"><h3>{props.title}</h3><span className="sx-quiet">{props.rows.length} rows</span></header>
      {props.lead.map((text) => <p key={text}>{text}</p>)}
      <div className="sx-scroll" tabIndex={0} role="region" aria-label={props.title}><table className="sx-table sx-words">
        <thead><tr>{props.columns.map((column) => <th key={column.name} scope="col" className={`sx-${column.kind}`}>{column.name}</th>)}</tr></thead>
        <tbody>{props.rows.map((row, number) => (
          <tr key={number}>{row.map((cell, place) => (
            <td key={place} className={`sx-${props.columns[place].kind}${cell.doubt ? " sx-warn" : ""}`}><Cell cell={cell} /></td>
          ))}</tr>
        ))}</tbody>
      </table></div>
      {props.notes.map((text) => <p className="sx-quiet" key={text}>{text}</p>)}
    </section>
  )
}
