package dev.deepstack.planner.serve;

import dev.deepstack.planner.cost.Terms;

/// What a system does under a load. Times in seconds, rates per second of the whole system.
///
/// @param tpot time per output token after the first
/// @param ttft time to the first token, waiting included
/// @param ttftLate the same for the slowest of a hundred
/// @param requests finished requests per second
/// @param step the decoding step behind `tpot`
/// @param prefill time of one prompt alone
/// @param running requests that decode at the same time
/// @param utilisation share of time that prefill takes of its devices
public record Served(double tpot, double ttft, double ttftLate, double requests, Terms step, double prefill,
    double running, double utilisation) {}
