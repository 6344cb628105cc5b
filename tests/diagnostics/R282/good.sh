obsc validate good --infos
