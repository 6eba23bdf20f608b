// One line per step of work under way; folded to one line when it is done.
export default function ProgressCard() {
  if (props.done) {
    return <p className="sx-quiet" data-testid="progress-done">{props.steps.map((each) => each.step).join(" · ")}: {props.seconds} s</p>
  }
  return (
    <div className="sx-progress" data-testid="progress" role="status">
      {props.steps.map((each) => (
        <div key={each.step}>
          <span className="sx-step">{each.step}</span>
          <progress value={each.fraction} max={1} aria-label={each.step} />
          <span className="sx-quiet">{each.note}</span>
        </div>
      ))}
    </div>
  )
}
