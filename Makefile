# Hà Nam Mail: every command that a person types. `make help` lists them.
# Needs git, make and python3 on Debian 13; everything else is installed by these commands. Root rights are needed where
# something is missing from Debian, and for the lab (it boots machines): not to check, and not to deploy.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

LAB ?= lab
TOPOLOGY ?= inventory/lab.yml
PYTHON := .venv/bin/python
LAB_STATE := /var/lib/hanam-mail/labs
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export PYTHONUNBUFFERED := 1
# Hundreds of processes of the checks would else compile the same modules, each of them anew.
unexport PYTHONDONTWRITEBYTECODE
# Outside the clone: what mypy found of a file holds for the same file in the next fresh clone (it compares the content).
export MYPY_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hanam-mail/mypy
# The hosts of a scenario are in the inventory only once create has run.
export MOLECULE_ANSIBLE_ARGS_STRICT_MODE := 1

# What the programs below need from Debian, and why: on every controller (production's too), and for the lab alone.
CONTROLLER_PACKAGES := python3-venv openssh-client age fonts-liberation
LAB_PACKAGES := \
	systemd-container mmdebstrap apt-utils iproute2 \
	chromium chromium-driver libnss3-tools

# $(call install,packages,what they are for): what is missing of them, as root; nothing where nothing is.
define install
@missing=$$(for package in $(1); do \
	[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null || echo absent)" = installed ] || echo $$package; done); \
if [ -n "$$missing" ]; then \
	[ "$$(id -u)" = 0 ] || { echo "make: to install" $$missing "root rights are needed: sudo make $(MAKECMDGOALS)"; exit 1; }; \
	echo "set-up: installing from Debian:" $$missing; \
	echo "  ($(2))"; \
	apt-get -q update; \
	DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends $$missing; \
fi
endef

PLAYBOOK = ansible-playbook -i $(TOPOLOGY) -i $(LAB_STATE)/$(LAB)/hosts.yml

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up ---------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: .venv/.ready group_vars/lab/vault.yml ## install what the other commands need (they call it themselves)

.venv/.ready: requirements.lock pyproject.toml
	@found=$$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo missing); \
	[ "$$found" = 3.13 ] || { echo "make: /usr/bin/python3 must be Python 3.13 (Debian 13's own), here it is: $$found"; exit 1; }
	$(call install,$(CONTROLLER_PACKAGES),python3-venv: the tools' own Python environment; openssh-client: Ansible's way to the hosts; age: sealed files; fonts-liberation: the letters of papers)
	@echo "set-up: Python environment in .venv (locked in requirements.lock)"
	@rm -f $@
	@/usr/bin/python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: lab-packages
lab-packages:
	$(call install,$(LAB_PACKAGES),systemd-container to iproute2: the lab's hosts; chromium to libnss3-tools: a person's browser in the tests)

group_vars/lab/vault.yml: .venv/.ready src/hanam_mail/controller/vault_file.py inventory/lab.yml inventory/split.yml
	@$(PYTHON) -m hanam_mail.controller.vault_file --inventory inventory/lab.yml --inventory inventory/split.yml --output $@
	@touch $@

.PHONY: lock
lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile --quiet pyproject.toml --extra dev --generate-hashes --no-header --no-annotate \
		--python-version 3.13 --no-emit-index-url --upgrade -o requirements.lock

# --- the lab --------------------------------------------------------------------------------------------------------

.PHONY: up
up: setup lab-packages ## start the lab, converge everything, prove it with real mail, say how to log in
	@$(PYTHON) -m hanam_lab up $(LAB) --inventory $(TOPOLOGY)
	@$(PLAYBOOK) playbooks/lab.yml
	@$(PLAYBOOK) playbooks/mailboxes.yml
	@$(PYTHON) -m hanam_lab keep $(LAB)
	@HANAM_LAB=$(LAB) HANAM_INVENTORY=$(TOPOLOGY) $(PYTHON) -m tests.prove

.PHONY: down
down: ## remove all that up and test made (CACHES=yes: also the downloaded packages, which other checkouts share)
	@if [ -e .venv/.ready ]; then $(PYTHON) -m hanam_lab down all; \
	elif grep -qs '"repository": "$(CURDIR)"' $(LAB_STATE)/*/lab.json; then \
		echo "make down: labs of this checkout run, but its .venv is not whole: make setup, then make down again"; exit 1; \
	fi
	@rm -rf .venv build .molecule group_vars/lab/vault.yml .pytest_cache .mypy_cache .ruff_cache .hypothesis .ansible src/*.egg-info
	@find bench deploys plugins src tests -name __pycache__ -prune -exec rm -rf {} +
	@if [ "$(CACHES)" = yes ]; then rm -rf /var/cache/hanam-mail "$${XDG_CACHE_HOME:-$$HOME/.cache}"/hanam-mail/postgresql-* "$(MYPY_CACHE_DIR)"; fi

.PHONY: status
status: setup ## the labs that run on this machine
	@$(PYTHON) -m hanam_lab status

# --- checks ---------------------------------------------------------------------------------------------------------

.PHONY: test
test: check molecule ## every check and test: style, unit, render, contract, then real hosts and real mail

# The two cores are busy to the end when the longest begins first and the rest is in several parts.
.PHONY: check
check: setup ## everything that needs no hosts (some minutes)
	@$(MAKE) --jobs=2 --output-sync=target host database unit rendered registry types playbooks style

.PHONY: map
map: setup ## write docs/map.md and docs/clauses.md anew
	@$(PYTHON) -m tests.project_map

.PHONY: lint
lint: style types playbooks ## style, types, playbooks and roles, and the registry

.PHONY: style
style: setup
	ruff check .
	ruff format --check .
	yamllint --strict .
	hanam-mail check

.PHONY: types
types: setup
	@mkdir -p "$(MYPY_CACHE_DIR)"
	flock "$(MYPY_CACHE_DIR)" mypy

.PHONY: playbooks
playbooks: setup
	$(PYTHON) -m tests.playbook_checks

.PHONY: fast
fast: host database unit rendered registry ## unit, render, contract and database tests

# Parts of the unit tests: the programs of the hosts, half of the time; and what works on copies of the whole registry.
HOST_TESTS := tests/unit/host
REGISTRY_TESTS := tests/unit/cli tests/unit/registry tests/unit/review

.PHONY: registry
registry: setup
	pytest -q $(REGISTRY_TESTS)

.PHONY: host
host: setup
	pytest -q $(HOST_TESTS)

.PHONY: unit
unit: setup
	pytest -q tests/unit $(HOST_TESTS:%=--ignore=%) $(REGISTRY_TESTS:%=--ignore=%)

.PHONY: rendered
rendered: setup
	pytest -q tests/render tests/contract

.PHONY: database
database: setup
	pytest -q tests/database

# Tested in this order, the longest first; a copy comes with its original (split-mail with split; mail, roles and people with default).
# upgrade needs no other.
SCENARIOS ?= mail split-mail roles split default people upgrade

.PHONY: molecule
molecule: setup lab-packages ## the whole system on real hosts, on one machine and split over several, side by side
	@$(PYTHON) -m hanam_lab.scenarios $(SCENARIOS)

.PHONY: role
role: setup lab-packages ## one role on converged hosts, twice, and its tests: make role ROLE=postfix (after make up or test)
	@[ -n "$(ROLE)" ] || { echo "make role: which role? ROLE=postfix"; exit 2; }
	@$(PYTHON) -m hanam_lab.role $(ROLE) $(TOPOLOGY)

.PHONY: pictures
pictures: setup lab-packages ## take the pictures of docs and help anew from the standing lab (after make up); STOPS="held": those alone
	@HANAM_LAB=$(LAB) HANAM_INVENTORY=$(TOPOLOGY) $(PYTHON) -m tests.web.pictures $(STOPS)

# --- measurements ---------------------------------------------------------------------------------------------------

SIZES ?= 2000 20000

.PHONY: bench
bench: LAB = bench
bench: setup lab-packages ## measure what is claimed of speed and of unwanted mail, on a lab of its own (SIZES="2000 20000 100000": how cost grows)
	@$(PYTHON) -m bench --lab $(LAB) $(SIZES:%=--size %)

# --- production -----------------------------------------------------------------------------------------------------

.PHONY: deploy
deploy: .venv/.ready ## converge an environment: make deploy ENV=production (ARGS="--check --diff" to look first)
	@[ -n "$(ENV)" ] || { echo "make deploy: which environment? ENV=staging or ENV=production"; exit 2; }
	ansible-playbook -i inventory/$(ENV).yml playbooks/site.yml $(ARGS)
	ansible-playbook -i inventory/$(ENV).yml playbooks/mailboxes.yml $(ARGS)
