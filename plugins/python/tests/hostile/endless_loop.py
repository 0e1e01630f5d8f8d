"""Never ends. Outcome: fuel."""


def reward(response):
    while True:
        pass
