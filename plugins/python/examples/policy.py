"""A policy: draws samples in random orders until there are `k`, and takes the mean without the highest and the lowest."""

from rewarden_plugin import Draw, Finish, TooFewSamples, policy


@policy
def trimmed_mean(task, context, samples, *, k: int = 4):
    """The mean of each response's scores, without the highest and the lowest."""
    if len(samples) < k and context.samples_left > 0:
        chance = context.random()
        order = list(range(len(task.responses)))
        draws = []
        for _ in range(min(k - len(samples), context.samples_left)):
            chance.shuffle(order)
            draws.append(Draw(list(order)))
        return draws
    usable = [sample for sample in samples if isinstance(sample.outcome, list)]
    if not usable:
        raise TooFewSamples(f"none of {len(samples)} samples could be read")
    scores = []
    for index in range(len(task.responses)):
        given = sorted(sample.outcome[index] for sample in usable if sample.outcome[index] is not None)
        kept = given[1:-1] if len(given) > 2 else given
        scores.append(sum(kept) / len(kept) if kept else None)
    return Finish(scores, used=[sample.id for sample in usable], details={"usable": len(usable)})
