#!/usr/bin/env bash
# Pushes both images and writes build/images.txt: each name with the digest that the registry gave. The password is read
# from standard input: push.sh REGISTRY USER VERSION < PASSWORD
set -euo pipefail
cd "$(dirname "$0")/../.."
docker="${DOCKER:-docker}"
registry="$1" user="$2" version="$3"
$docker login --username "$user" --password-stdin "${registry%%/*}"
mkdir -p build
: > build/images.txt
for name in churn-prediction-api churn-prediction-jobs; do
  $docker tag "$name:$version" "$registry/$name:$version"
  $docker push --quiet "$registry/$name:$version"
  $docker image inspect --format '{{index .RepoDigests 0}}' "$registry/$name:$version" >> build/images.txt
done
cat build/images.txt
