# The simulator as an image. Written with care and never built where Sextant is developed (no container engine there).
#   docker build -f deploy/simulator.Dockerfile -t sextant-simulator .
#   docker run -p 8000:8000 -e MODEL_NAME=meta-llama/Llama-3.1-8B-Instruct -e GPU_TYPE=H100 sextant-simulator
FROM python:3.12-slim

WORKDIR /app
COPY requirements.txt pyproject.toml README.md ./
COPY agent agent
COPY evals evals
COPY knowledge knowledge
COPY templates templates
COPY tools tools
COPY ui ui
RUN pip install --no-cache-dir --require-hashes -r requirements.txt \
 && pip install --no-cache-dir --no-deps --no-build-isolation . \
 && useradd --system --home /app sextant
USER sextant

EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["sextant", "simulator", "--host", "0.0.0.0", "--port", "8000"]
