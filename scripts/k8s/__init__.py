"""What scripts/check_k8s.py is made of: rendering the manifests, and what must hold of them and of the Dockerfiles."""
