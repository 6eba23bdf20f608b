"""Text with holes: answers, manifests, prompts."""
