// A question with quick answers; any other answer is typed.
export default function QuestionCard() {
  return (
    <div className="sx-question" data-testid="question">
      <p>{props.question}</p>
      {props.suggestions.map((text) => <button key={text} onClick={() => sendUserMessage(text)}>{text}</button>)}
    </div>
  )
}
