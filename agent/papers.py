"""Files to take along, as faces name them; each is fetched by its id, and by its owner only."""

from agent.state import Json
from knowledge.records import Paper


def paper_json(paper: Paper) -> Json:
    """What a link needs."""
    return {"id": paper.paper_id, "name": paper.name, "media_type": paper.media_type}
